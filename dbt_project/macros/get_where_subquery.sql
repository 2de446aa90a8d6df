{#
  Tests of monthly tables look only at what the run has built:
  `where: __months_in_scope__` (or `__months_from_scope__`) becomes a condition on the
  date column `month` when the test is compiled, because the months of a run are not
  known when the project is parsed.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where and not scope_months() -%}
        {%- set where = where
            | replace('__months_in_scope__', '')
            | replace('__months_from_scope__', '') -%}
    {%- elif where -%}
        {%- set where = where
            | replace('__months_in_scope__', month_dates_in_scope('month'))
            | replace('__months_from_scope__', month_dates_from_scope('month')) -%}
    {%- endif -%}
    {%- if where | trim -%}
        {%- do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') scoped') -%}
    {%- else -%}
        {%- do return(relation) -%}
    {%- endif -%}
{%- endmacro %}
