{#
  Whether any of the relations holds a row of the months in scope. For a table in which
  every month depends on every other: it is built again whole when the run touches it
  and left alone, at the price of this look, when it does not.
#}
{% macro months_touch(relations) %}
    {%- if not execute or not scope_months() -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set look -%}
        {%- for relation in relations -%}
            (select 1 from {{ relation }} where {{ month_dates_in_scope('month') }} limit 1)
            {{- " union all " if not loop.last }}
        {%- endfor -%}
    {%- endset -%}
    {{ return(run_query(look).rows | length > 0) }}
{% endmacro %}
