{{ config(materialized='incremental', incremental_strategy='by_month') }}

with calls as (
    select * from {{ ref('fct_calls_for_service') }}
    where {{ month_dates_in_scope('month') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

counted as (
    select
        month,
        coalesce(borough_code, 'unknown') as borough_code,
        grade,
        environment,
        hour_of_day,
        count(*) as calls,
        sum(case when is_abandoned then 1 else 0 end) as abandoned,
        sum(case when channel = '999' then 1 else 0 end) as calls_999,
        sum(
            case
                when channel = '999' and answered_after_seconds <= 10 then 1
                else 0
            end
        ) as answered_999_in_10_seconds,
        sum(case when is_attended then 1 else 0 end) as attended,
        sum(
            case when seconds_to_arrival <= 15 * 60 then 1 else 0 end
        ) as attended_in_15_minutes,
        sum(
            case when seconds_to_arrival <= 60 * 60 then 1 else 0 end
        ) as attended_in_60_minutes
    from calls
    group by
        month,
        coalesce(borough_code, 'unknown'),
        grade,
        environment,
        hour_of_day
),

final as (
    select
        counted.month,
        counted.borough_code,
        case
            when counted.borough_code = 'unknown' then 'Not known'
            else coalesce(borough_forces.borough, 'Outside the areas held')
        end as borough,
        counted.grade,
        counted.environment,
        counted.hour_of_day,
        cast(counted.calls as integer) as calls,
        cast(counted.abandoned as integer) as abandoned,
        cast(counted.calls_999 as integer) as calls_999,
        cast(counted.answered_999_in_10_seconds as integer)
            as answered_999_in_10_seconds,
        cast(counted.attended as integer) as attended,
        cast(counted.attended_in_15_minutes as integer) as attended_in_15_minutes,
        cast(counted.attended_in_60_minutes as integer) as attended_in_60_minutes
    from counted
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
