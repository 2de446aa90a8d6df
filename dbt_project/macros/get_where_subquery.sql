{#
  Tests of monthly tables look only at what the run has built. The months of a run are
  not known when the project is parsed, so `where:` holds a word that becomes a
  condition when the test is compiled:

  __months_in_scope__          on the date column `month`
  __months_from_scope__        the same, from the first month in scope onward
  __month_texts_in_scope__     on the text column `month_text` of staging, which
                               prunes files
  __newest_month_in_scope__    the last of the months only, on `month_text`: for staging
                               views whose fact tests the same keys in every month;
                               without months in scope, everything
#}
{% macro get_where_subquery(relation) -%}
    {%- set months = scope_months() -%}
    {%- set newest = "(month_text = '" ~ months[-1] ~ "')" if months else '(true)' -%}
    {%- set where = (config.get('where') or '')
        | replace('__months_in_scope__', month_dates_in_scope('month'))
        | replace('__months_from_scope__', month_dates_from_scope('month'))
        | replace('__month_texts_in_scope__', months_in_scope('month_text'))
        | replace('__newest_month_in_scope__', newest)
        | trim -%}
    {%- if where in ('', '(true)') -%}
        {%- do return(relation) -%}
    {%- else -%}
        {%- do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') scoped') -%}
    {%- endif -%}
{%- endmacro %}
