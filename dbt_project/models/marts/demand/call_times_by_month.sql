{{ config(materialized='incremental', incremental_strategy='by_month') }}

{#- Upper ends of the bands, in minutes: single ones where targets are, then wider. -#}
{%- set bands = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 26,
    28, 30, 35, 40, 45, 50, 55, 60, 75, 90, 105, 120, 150, 180, 240, 300, 360, 480, 720,
    1440
] %}

with calls as (
    select
        month,
        area_code,
        grade,
        seconds_to_arrival,
        seconds_despatch_to_arrival,
        seconds_despatch_to_close,
        case
            when is_abandoned then 'abandoned'
            when is_attended then 'reached'
            when is_despatched then 'sent, no arrival recorded'
            else 'nobody sent'
        end as ending
    from {{ ref('fct_calls_for_service') }}
    where {{ month_dates_in_scope('month') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

timed as (
    select
        month,
        area_code,
        grade,
        'call to arrival' as stage,
        ending,
        seconds_to_arrival as seconds
    from calls
    union all
    select
        month,
        area_code,
        grade,
        'despatch to arrival' as stage,
        ending,
        seconds_despatch_to_arrival as seconds
    from calls
    where seconds_despatch_to_arrival is not null
    union all
    select
        month,
        area_code,
        grade,
        'despatch to close' as stage,
        ending,
        seconds_despatch_to_close as seconds
    from calls
    where seconds_despatch_to_close is not null
),

banded as (
    select
        month,
        area_code,
        grade,
        stage,
        ending,
        seconds,
        case
            {%- for band in bands %}
            when seconds <= {{ band * 60 }} then {{ band }}
            {%- endfor %}
        end as within_minutes
    from timed
),

counted as (
    select
        month,
        area_code as borough_code,
        grade,
        stage,
        ending,
        within_minutes,
        count(*) as calls,
        sum(seconds) as total_seconds
    from banded
    group by
        month,
        area_code,
        grade,
        stage,
        ending,
        within_minutes
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
        counted.stage,
        counted.ending,
        counted.within_minutes,
        cast(counted.calls as integer) as calls,
        cast(counted.total_seconds as bigint) as total_seconds
    from counted
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
