with source as (
    select * from {{ source('raw', 'crime_report_persons') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.link_id,
        source.crime_number,
        source.nominal_id,
        source.subject_category,
        source.is_assessment,
        source.person_outcome,
        source.person_outcome_date,
        source.sentence_end,
        source.linked_on,
        source.release_date,
        source.source_file,
        source.source_line
    from source
)

select * from final
