with source as (
    select * from {{ source('raw', 'census_2021_ethnic_group') }}
),

ethnic_groups as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_census_2021_ethnic_group') }}
    where column_name = 'ethnic_group'
),

final as (
    select
        source.local_authority_code,
        source.local_authority,
        source.ethnic_group_code,
        coalesce(ethnic_groups.label, source.ethnic_group) as ethnic_group,
        ethnic_groups.grouping as ethnic_group_broad,
        source.ethnic_group is not null
        and ethnic_groups.label is null as is_unrecognised_ethnic_group,
        source.people,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    left join ethnic_groups on source.ethnic_group = ethnic_groups.value
)

select * from final
