with source as (
    select * from {{ source('raw', 'police_uk_outcomes') }}
),

code_list as (
    select * from {{ ref('code_list_police_uk_outcomes') }}
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
    left join code_list as outcomes
        on
            source.outcome_type = outcomes.value
            and outcomes.column_name = 'outcome_type'
)

select * from final
