{{ config(materialized='incremental', incremental_strategy='by_month') }}

with crimes as (
    select * from {{ ref('fct_crimes') }}
    where {{ month_dates_in_scope('month') }}
),

geography as (
    select * from {{ ref('int_geography') }}
),

wards as (
    select
        ward_code,
        min(ward) as ward,
        min(borough_code) as borough_code,
        min(borough) as borough
    from geography
    where ward_code is not null
    group by ward_code
),

counted as (
    select
        month,
        force,
        ward_code,
        crime_type,
        count(*) as crimes,
        sum(case when is_ward_best_fit then 1 else 0 end) as crimes_placed_by_best_fit
    from crimes
    group by month, force, ward_code, crime_type
),

final as (
    select
        counted.month,
        counted.force,
        counted.ward_code,
        case
            when counted.ward_code = 'no-lsoa' then 'No LSOA published'
            when counted.ward_code = 'elsewhere' then 'Outside the areas held'
            else wards.ward
        end as ward,
        wards.borough_code,
        wards.borough,
        counted.crime_type,
        cast(counted.crimes as integer) as crimes,
        cast(counted.crimes_placed_by_best_fit as integer)
            as crimes_placed_by_best_fit
    from counted
    left join wards on counted.ward_code = wards.ward_code
)

select * from final
