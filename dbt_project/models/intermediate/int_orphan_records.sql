with links as (
    select * from {{ ref('stg_crime_report_persons') }}
),

nominals as (
    select * from {{ ref('stg_nominals') }}
),

reports as (
    select crime_number from {{ ref('stg_crime_reports') }}
),

links_without_person as (
    select
        links.month,
        'link without person' as orphan,
        links.link_id as record_id,
        links.source_file,
        links.source_line
    from links
    left join nominals on links.nominal_id = nominals.nominal_id
    where nominals.nominal_id is null
),

links_without_report as (
    select
        links.month,
        'link without report' as orphan,
        links.link_id as record_id,
        links.source_file,
        links.source_line
    from links
    left join reports on links.crime_number = reports.crime_number
    where reports.crime_number is null
),

persons_without_link as (
    select
        nominals.month,
        'person without link' as orphan,
        nominals.nominal_id as record_id,
        nominals.source_file,
        nominals.source_line
    from nominals
    left join links on nominals.nominal_id = links.nominal_id
    where links.nominal_id is null
),

final as (
    select * from links_without_person
    union all
    select * from links_without_report
    union all
    select * from persons_without_link
)

select * from final
