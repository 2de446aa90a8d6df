with crime_by_borough_and_month as (
    select * from {{ ref('crime_by_borough_and_month') }}
),

supply_by_month as (
    select * from {{ ref('supply_by_month') }}
    where data_set = 'police_uk_street'
),

counted as (
    select
        month,
        force,
        crime_type,
        sum(crimes) as crimes,
        sum(crimes_without_identifier) as crimes_without_identifier,
        sum(crimes_sharing_identifier) as crimes_sharing_identifier,
        sum(crimes_not_located) as crimes_not_located,
        sum(crimes_outside_force_area) as crimes_outside_force_area
    from crime_by_borough_and_month
    group by month, force, crime_type
),

final as (
    select
        counted.month,
        counted.force,
        counted.crime_type,
        cast(counted.crimes as integer) as crimes,
        cast(counted.crimes_without_identifier as integer)
            as crimes_without_identifier,
        cast(counted.crimes_sharing_identifier as integer)
            as crimes_sharing_identifier,
        cast(counted.crimes_not_located as integer) as crimes_not_located,
        cast(counted.crimes_outside_force_area as integer)
            as crimes_outside_force_area,
        supply_by_month.supply
    from counted
    left join supply_by_month
        on
            counted.month = supply_by_month.month
            and counted.force = supply_by_month.force
)

select * from final
