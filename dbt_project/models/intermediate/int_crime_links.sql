with links as (
    select * from {{ ref('stg_crime_report_persons') }}
),

nominals as (
    select nominal_id from {{ ref('stg_nominals') }}
),

reports as (
    select crime_number from {{ ref('stg_crime_reports') }}
),

final as (
    select
        links.month,
        links.month_text,
        links.link_id,
        links.crime_number,
        links.nominal_id,
        links.subject_category,
        links.is_assessment,
        links.person_outcome,
        links.person_outcome_date,
        links.sentence_end,
        links.linked_on,
        links.source_file,
        links.source_line
    from links
    -- A link to nobody, or to no report, is kept apart: see int_orphan_records.
    inner join nominals on links.nominal_id = nominals.nominal_id
    inner join reports on links.crime_number = reports.crime_number
)

select * from final
