{{ config(materialized='incremental', incremental_strategy='by_month') }}

with crimes as (
    select * from {{ ref('fct_crimes') }}
    where {{ month_dates_in_scope('month') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

counted as (
    select
        month,
        force,
        borough_code,
        crime_type,
        count(*) as crimes,
        count(*) - count(crime_key) as crimes_without_identifier,
        sum(case when shares_identifier then 1 else 0 end) as crimes_sharing_identifier,
        sum(case when is_located then 0 else 1 end) as crimes_not_located,
        sum(
            case when is_outside_force_area then 1 else 0 end
        ) as crimes_outside_force_area
    from crimes
    group by month, force, borough_code, crime_type
),

final as (
    select
        counted.month,
        counted.force,
        counted.borough_code,
        case
            when counted.borough_code = 'no-lsoa' then 'No LSOA published'
            when counted.borough_code = 'elsewhere' then 'Outside the areas held'
            else borough_forces.borough
        end as borough,
        counted.crime_type,
        cast(counted.crimes as integer) as crimes,
        cast(counted.crimes_without_identifier as integer)
            as crimes_without_identifier,
        cast(counted.crimes_sharing_identifier as integer)
            as crimes_sharing_identifier,
        cast(counted.crimes_not_located as integer) as crimes_not_located,
        cast(counted.crimes_outside_force_area as integer)
            as crimes_outside_force_area
    from counted
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
