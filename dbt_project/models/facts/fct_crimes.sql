with crimes as (
    select * from {{ ref('stg_police_uk_street') }}
    where {{ months_in_scope('month_text') }}
),

geography as (
    select * from {{ ref('int_geography') }}
),

forces_with_known_area as (
    select distinct force from {{ ref('int_borough_forces') }}
    where force is not null
),

final as (
    select
        crimes.month,
        crimes.month_text,
        crimes.force,
        crimes.crime_type,
        crimes.is_unrecognised_crime_type,
        crimes.crime_key,
        crimes.longitude,
        crimes.latitude,
        crimes.is_located,
        crimes.street is not null as has_named_street,
        crimes.lsoa_code,
        case
            when crimes.lsoa_code is null then 'no-lsoa'
            else coalesce(geography.ward_code, 'elsewhere')
        end as ward_code,
        coalesce(geography.is_ward_best_fit, false) as is_ward_best_fit,
        case
            when crimes.lsoa_code is null then 'no-lsoa'
            else coalesce(geography.borough_code, 'elsewhere')
        end as borough_code,
        crimes.last_outcome,
        crimes.last_outcome_group,
        -- Force is not area: a force also records crimes in its neighbours' areas.
        case
            when crimes.lsoa_code is null then null
            when forces_with_known_area.force is null then null
            else coalesce(geography.force <> crimes.force, true)
        end as is_outside_force_area,
        crimes.is_exact_repeat,
        crimes.shares_identifier,
        crimes.source_file,
        crimes.source_line
    from crimes
    left join geography on crimes.lsoa_code = geography.lsoa_code
    left join forces_with_known_area on crimes.force = forces_with_known_area.force
)

select * from final
