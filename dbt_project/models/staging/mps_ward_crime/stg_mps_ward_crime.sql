with source as (
    select * from {{ source('raw', 'mps_ward_crime') }}
),

groups as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_mps_ward_crime') }}
    where column_name = 'offence_group'
),

boroughs as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_mps_ward_crime') }}
    where column_name = 'borough'
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        coalesce(groups.label, source.offence_group) as offence_group,
        source.offence_group as offence_group_received,
        source.offence_group is not null
        and groups.label is null as is_unrecognised_offence_group,
        -- Totals of releases are comparable only without the groups that come and go.
        coalesce(groups.grouping, '') not like 'not comparable%' as is_comparable,
        -- Title Case in the borough files, UPPER CASE in the ward files.
        upper(substr(source.offence, 1, 1))
        || lower(substr(source.offence, 2)) as offence,
        source.offence as offence_received,
        source.ward_code,
        source.ward,
        coalesce(boroughs.label, source.borough) as borough,
        source.borough is not null
        and boroughs.label is null as is_unrecognised_borough,
        -- The airports are published as if they were a borough.
        coalesce(boroughs.grouping, '') <> 'not a borough' as is_borough,
        source.crimes,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    left join groups on source.offence_group = groups.value
    left join boroughs on source.borough = boroughs.value
)

select * from final
