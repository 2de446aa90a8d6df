with source as (
    select * from {{ source('raw', 'mopac_public_attitude_survey') }}
),

boroughs as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_mopac_public_attitude_survey') }}
    where column_name = 'borough'
),

measures as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_mopac_public_attitude_survey') }}
    where column_name = 'measure'
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
    left join boroughs on source.borough = boroughs.value
    left join measures on source.measure = measures.value
)

select * from final
