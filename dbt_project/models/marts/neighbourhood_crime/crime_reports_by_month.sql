{{ config(materialized='incremental', incremental_strategy='by_month') }}

with reports as (
    select * from {{ ref('fct_crime_reports') }}
    where {{ month_dates_in_scope('month') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

counted as (
    select
        month,
        coalesce(borough_code, 'unknown') as borough_code,
        crime_type,
        environment,
        count(*) as crime_reports,
        sum(case when is_back_record then 1 else 0 end) as reported_earlier
    from reports
    group by month, coalesce(borough_code, 'unknown'), crime_type, environment
),

of_any_environment as (
    select
        month,
        coalesce(borough_code, 'unknown') as borough_code,
        crime_type,
        count(*) as reports,
        sum(case when environment = 'unknown' then 1 else 0 end) as unknown_reports
    from reports
    group by month, coalesce(borough_code, 'unknown'), crime_type
),

final as (
    select
        counted.month,
        counted.borough_code,
        case
            when counted.borough_code = 'unknown' then 'Not known'
            else coalesce(borough_forces.borough, 'Outside the areas held')
        end as borough,
        counted.crime_type,
        counted.environment,
        cast(counted.crime_reports as integer) as crime_reports,
        cast(counted.reported_earlier as integer) as reported_earlier,
        cast(of_any_environment.unknown_reports as double)
        / of_any_environment.reports as environment_unknown_share
    from counted
    inner join of_any_environment
        on
            counted.month = of_any_environment.month
            and counted.borough_code = of_any_environment.borough_code
            and counted.crime_type = of_any_environment.crime_type
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
