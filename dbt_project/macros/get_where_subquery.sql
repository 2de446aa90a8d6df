{#
  Tests of monthly tables look only at what the run has built:
  `where: __months_in_scope__` (or `__months_from_scope__`) becomes a condition on the
  date column `month` when the test is compiled, because the months of a run are not
  known when the project is parsed.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = (config.get('where') or '')
        | replace('__months_in_scope__', month_dates_in_scope('month'))
        | replace('__months_from_scope__', month_dates_from_scope('month'))
        | trim -%}
    {%- if where in ('', '(true)') -%}
        {%- do return(relation) -%}
    {%- else -%}
        {%- do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') scoped') -%}
    {%- endif -%}
{%- endmacro %}
