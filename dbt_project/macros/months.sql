{#
  The scope of a run. `--vars '{"months": ["2024-01", "2024-02"]}'` builds those
  months again; an empty list builds every month held.

  months_in_scope(column)        condition on a month text column ('2024-01')
  month_dates_in_scope(column)   the same on a date column (first of the month)
  months_from_scope(column)      from the first month in scope onward, text column
  month_dates_from_scope(column) the same on a date column

  Staging keeps the text column `month_text` unchanged from the folder name, because a
  condition on it prunes files; a condition on a computed date opens every one.
#}

{% macro scope_months() %}
    {{ return((var('months', []) or []) | map('string') | unique | sort) }}
{% endmacro %}

{# Each month as a literal of the column's own type. #}
{% macro month_literal(month, as_date=false) -%}
    {%- if as_date -%}cast('{{ month }}-01' as date){%- else -%}'{{ month }}'{%- endif -%}
{%- endmacro %}

{% macro scope_condition(column, as_date, onward) -%}
    {%- set months = scope_months() -%}
    {%- if not months -%}
        true
    {%- else -%}
        {#- The bounds let the engine skip row groups by their least and greatest. -#}
        {{ column }} >= {{ month_literal(months[0], as_date) }}
        {%- if not onward %}
        and {{ column }} <= {{ month_literal(months[-1], as_date) }}
        and {{ column }} in (
            {%- for month in months -%}
                {{ month_literal(month, as_date) }}{{ ", " if not loop.last }}
            {%- endfor -%}
        )
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro months_in_scope(column) -%}
    ({{ scope_condition(column, false, false) }})
{%- endmacro %}

{% macro month_dates_in_scope(column) -%}
    ({{ scope_condition(column, true, false) }})
{%- endmacro %}

{% macro months_from_scope(column) -%}
    ({{ scope_condition(column, false, true) }})
{%- endmacro %}

{% macro month_dates_from_scope(column) -%}
    ({{ scope_condition(column, true, true) }})
{%- endmacro %}
