with source as (
    select * from {{ source('raw', 'crime_reports') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.crime_number,
        source.reported_at,
        source.occurred_from,
        source.occurred_to,
        source.offence_code,
        source.offence,
        source.crime_type,
        source.mopi_group,
        source.environment,
        source.domestic_abuse,
        source.hate_crime,
        source.location_postcode,
        source.lsoa_code,
        source.borough_code,
        source.status,
        source.outcome,
        source.outcome_date,
        source.release_date,
        source.source_file,
        source.source_line
    from source
)

select * from final
