with source as (
    select * from {{ source('raw', 'police_uk_street') }}
),

crime_types as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_police_uk_street') }}
    where column_name = 'crime_type'
),

last_outcomes as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_police_uk_street') }}
    where column_name = 'last_outcome_category'
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.force,
        coalesce(crime_types.label, source.crime_type) as crime_type,
        source.crime_type is not null
        and crime_types.label is null as is_unrecognised_crime_type,
        source.crime_id,
        {{ hex_key('source.crime_id') }} as crime_key,
        source.longitude,
        source.latitude,
        -- "No Location" in street files, "No location" in outcomes files; British
        -- Transport Police leaves the place empty instead of saying so.
        source.longitude is not null
        and source.latitude is not null
        and lower(coalesce(source.location, '')) <> 'no location' as is_located,
        -- "On or near " with nothing after it is a street without a name.
        case
            when lower(source.location) <> 'no location'
                then nullif(trim(replace(source.location, 'On or near ', '')), '')
        end as street,
        source.lsoa_code,
        source.lsoa_name,
        coalesce(last_outcomes.label, source.last_outcome_category) as last_outcome,
        last_outcomes.grouping as last_outcome_group,
        source.last_outcome_category is not null
        and last_outcomes.label is null as is_unrecognised_last_outcome,
        source.is_exact_repeat,
        source.shares_identifier,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    left join crime_types on source.crime_type = crime_types.value
    left join last_outcomes on source.last_outcome_category = last_outcomes.value
)

select * from final
