{{ config(materialized='incremental', incremental_strategy='by_month') }}

with patrols as (
    select * from {{ ref('stg_patrol_activity') }}
    where {{ months_in_scope('month_text') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

counted as (
    select
        month,
        coalesce(borough_code, 'unknown') as borough_code,
        activity,
        count(*) as patrols,
        sum(
            officers * {{ seconds_between('started_at', 'ended_at') }} / 3600.0
        ) as officer_hours
    from patrols
    group by month, coalesce(borough_code, 'unknown'), activity
),

final as (
    select
        counted.month,
        counted.borough_code,
        case
            when counted.borough_code = 'unknown' then 'Not known'
            else coalesce(borough_forces.borough, 'Outside the areas held')
        end as borough,
        counted.activity,
        cast(counted.patrols as integer) as patrols,
        cast(counted.officer_hours as double) as officer_hours
    from counted
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
