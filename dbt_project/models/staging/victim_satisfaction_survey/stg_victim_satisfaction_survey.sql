with source as (
    select * from {{ source('raw', 'victim_satisfaction_survey') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.response_id,
        source.surveyed_on,
        source.crime_number,
        source.offence_group,
        source.borough_code,
        source.ethnic_group,
        source.sex,
        source.age_band,
        source.satisfied,
        source.treated_fairly,
        source.weight,
        source.release_date,
        source.source_file,
        source.source_line
    from source
)

select * from final
