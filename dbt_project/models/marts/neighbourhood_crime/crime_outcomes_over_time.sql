{{ config(materialized='incremental', incremental_strategy='by_month_onward') }}

with outcomes as (
    select * from {{ ref('fct_outcomes') }}
    where {{ month_dates_from_scope('month') }}
),

final as (
    select
        crime_month,
        force,
        crime_type,
        outcome_group,
        months_to_outcome,
        -- The month of the decision follows from the two above; a run replaces by it.
        month,
        cast(count(*) as integer) as outcomes
    from outcomes
    where is_matched
    group by
        crime_month,
        force,
        crime_type,
        outcome_group,
        months_to_outcome,
        month
)

select * from final
