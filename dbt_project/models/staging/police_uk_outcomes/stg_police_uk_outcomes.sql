with source as (
    select * from {{ source('raw', 'police_uk_outcomes') }}
),

outcomes as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_police_uk_outcomes') }}
    where column_name = 'outcome_type'
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.force,
        coalesce(outcomes.label, source.outcome_type) as outcome,
        outcomes.grouping as outcome_group,
        source.outcome_type is not null
        and outcomes.label is null as is_unrecognised_outcome,
        source.crime_id,
        {{ hex_key('source.crime_id') }} as crime_key,
        source.longitude,
        source.latitude,
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
        source.is_exact_repeat,
        source.shares_identifier,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    left join outcomes on source.outcome_type = outcomes.value
)

select * from final
