{{ config(materialized='incremental', incremental_strategy='by_month_onward') }}

with outcomes as (
    select * from {{ ref('fct_outcomes') }}
    where {{ month_dates_from_scope('month') }}
),

final as (
    select
        month,
        force,
        outcome,
        outcome_group,
        cast(count(*) as integer) as outcomes,
        cast(
            sum(case when crime_month = month then 1 else 0 end) as integer
        ) as matched_same_month,
        cast(
            sum(case when crime_month < month then 1 else 0 end) as integer
        ) as matched_earlier_month,
        cast(
            sum(case when crime_month > month then 1 else 0 end) as integer
        ) as matched_later_month,
        cast(sum(case when is_matched then 0 else 1 end) as integer) as unmatched
    from outcomes
    group by month, force, outcome, outcome_group
)

select * from final
