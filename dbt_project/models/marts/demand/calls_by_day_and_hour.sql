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
        call_date,
        hour_of_day,
        area_code as borough_code,
        grade,
        count(*) as calls,
        sum(case when is_abandoned then 1 else 0 end) as abandoned,
        sum(case when is_despatched then 1 else 0 end) as despatched,
        sum(case when is_attended then 1 else 0 end) as attended
    from calls
    group by
        month,
        call_date,
        hour_of_day,
        area_code,
        grade
),

final as (
    select
        counted.month,
        counted.call_date,
        {{ day_of_week('counted.call_date') }} as day_of_week,
        counted.hour_of_day,
        -- Clocks go back at 01:00 UTC on the last Sunday of October (The Summer Time
        -- Order 2002), so local time has that hour twice.
        case
            when
                extract(month from counted.call_date) = 10
                and extract(day from counted.call_date) >= 25
                and {{ day_of_week('counted.call_date') }} = 7
                and counted.hour_of_day = 1
                then 2
            else 1
        end as hours_on_clock,
        counted.borough_code,
        case
            when counted.borough_code = 'unknown' then 'Not known'
            else coalesce(borough_forces.borough, 'Outside the areas held')
        end as borough,
        counted.grade,
        cast(counted.calls as integer) as calls,
        cast(counted.abandoned as integer) as abandoned,
        cast(counted.despatched as integer) as despatched,
        cast(counted.attended as integer) as attended
    from counted
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
