{{ config(
    materialized='incremental',
    incremental_strategy='by_month',
    on_schema_change='fail'
) }}

with crimes as (
    select * from {{ ref('fct_crimes') }}
    where {{ month_dates_in_scope('month') }}
),

outcomes as (
    select * from {{ ref('fct_outcomes') }}
    where {{ month_dates_in_scope('month') }}
),

searches as (
    select * from {{ ref('fct_searches') }}
    where {{ month_dates_in_scope('month') }}
),

final as (
    select
        month,
        'police_uk_street' as data_set,
        force,
        count(*) as row_count
    from crimes
    group by month, force
    union all
    select
        month,
        'police_uk_outcomes' as data_set,
        force,
        count(*) as row_count
    from outcomes
    group by month, force
    union all
    select
        month,
        'police_uk_stop_and_search' as data_set,
        force,
        count(*) as row_count
    from searches
    group by month, force
)

select * from final
