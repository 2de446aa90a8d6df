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
        count(*) as row_count,
        sum(case when is_exact_repeat then 1 else 0 end) as exact_repeats_kept,
        sum(case when shares_identifier then 1 else 0 end) as rows_sharing_identifier,
        sum(case when is_unrecognised_crime_type then 1 else 0 end)
            as rows_with_unrecognised_label,
        sum(case when is_located then 0 else 1 end) as rows_without_place
    from crimes
    group by month, force
    union all
    select
        month,
        'police_uk_outcomes' as data_set,
        force,
        count(*) as row_count,
        sum(case when is_exact_repeat then 1 else 0 end) as exact_repeats_kept,
        sum(case when shares_identifier then 1 else 0 end) as rows_sharing_identifier,
        sum(case when is_unrecognised_outcome then 1 else 0 end)
            as rows_with_unrecognised_label,
        sum(case when is_located then 0 else 1 end) as rows_without_place
    from outcomes
    group by month, force
    union all
    select
        month,
        'police_uk_stop_and_search' as data_set,
        force,
        count(*) as row_count,
        sum(case when is_exact_repeat then 1 else 0 end) as exact_repeats_kept,
        0 as rows_sharing_identifier,
        sum(case when has_unrecognised_label then 1 else 0 end)
            as rows_with_unrecognised_label,
        sum(case when has_coordinates then 0 else 1 end) as rows_without_place
    from searches
    group by month, force
)

select * from final
