with by_borough as (
    select * from {{ ref('recorded_crime_by_borough_and_month') }}
    where is_borough
),

by_ward as (
    select * from {{ ref('recorded_crime_by_ward_and_month') }}
    where is_borough
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

last_by_borough as (
    select coalesce(max(month), cast('1900-01-01' as date)) as month from by_borough
),

-- The borough file ends where the publisher went over to wards; a month that both hold
-- is the borough file's.
counted as (
    select
        month,
        borough_code,
        offence_group,
        offence,
        crimes,
        'borough' as counted_by
    from by_borough
    union all
    select
        by_ward.month,
        by_ward.borough_code,
        by_ward.offence_group,
        by_ward.offence,
        sum(by_ward.crimes) as crimes,
        'ward' as counted_by
    from by_ward
    cross join last_by_borough
    where by_ward.month > last_by_borough.month
    group by
        by_ward.month,
        by_ward.borough_code,
        by_ward.offence_group,
        by_ward.offence
),

final as (
    select
        counted.month,
        borough_forces.force,
        counted.borough_code,
        borough_forces.borough,
        counted.offence_group,
        counted.offence,
        cast(counted.crimes as integer) as crimes,
        counted.counted_by
    from counted
    inner join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
