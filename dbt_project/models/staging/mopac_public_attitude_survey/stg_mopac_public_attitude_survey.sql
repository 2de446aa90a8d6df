with source as (
    select * from {{ source('raw', 'mopac_public_attitude_survey') }}
),

code_list as (
    select * from {{ ref('code_list_mopac_public_attitude_survey') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.survey_date as quarter_end,
        source.survey,
        coalesce(boroughs.label, source.borough) as borough,
        source.borough is not null
        and boroughs.label is null as is_unrecognised_borough,
        coalesce(measures.label, source.measure) as measure,
        source.measure is not null
        and measures.label is null as is_unrecognised_measure,
        source.proportion,
        source.mps_proportion,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    left join code_list as boroughs
        on
            source.borough = boroughs.value
            and boroughs.column_name = 'borough'
    left join code_list as measures
        on
            source.measure = measures.value
            and measures.column_name = 'measure'
)

select * from final
