{#
  Incremental strategies for tables with a date column `month`.

  by_month            replaces the months in scope; a month that has become empty is
                      emptied too, which a delete by key would miss.
  by_month_onward     replaces the months from the first in scope on: for tables in
                      which an earlier month decides what a later one holds.
  whole_when_touched  replaces everything when the query gives rows; the model gives
                      none (see months_touch) when the run does not concern it.

  Delete and insert run in the transaction that dbt opens, so a killed run leaves the
  table as it was. An empty scope builds the whole table beside the old one and swaps.
#}

{% macro get_incremental_by_month_sql(arg_dict) %}
    {{ return(replace_months(arg_dict, month_dates_in_scope('month'))) }}
{% endmacro %}

{% macro get_incremental_by_month_onward_sql(arg_dict) %}
    {{ return(replace_months(arg_dict, month_dates_from_scope('month'))) }}
{% endmacro %}

{% macro get_incremental_whole_when_touched_sql(arg_dict) %}
    {%- set touched -%}
        {{ month_dates_in_scope('month') }}
        or exists (select 1 from {{ arg_dict['temp_relation'] }})
    {%- endset -%}
    {{ return(replace_months(arg_dict, touched)) }}
{% endmacro %}

{% macro replace_months(arg_dict, scope) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }} where {{ scope }};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{# dbt asks this before an incremental model is built. #}
{% macro should_full_refresh() %}
    {%- set asked = config.get('full_refresh') -%}
    {%- if asked is none -%}
        {%- set asked = flags.FULL_REFRESH -%}
    {%- endif -%}
    {%- set by_scope = ('by_month', 'by_month_onward', 'whole_when_touched') -%}
    {%- if config.get('incremental_strategy') in by_scope and not scope_months() -%}
        {%- set asked = true -%}
    {%- endif -%}
    {{ return(asked) }}
{% endmacro %}
