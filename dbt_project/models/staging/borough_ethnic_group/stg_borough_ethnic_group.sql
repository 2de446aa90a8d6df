with source as (
    select * from {{ source('raw', 'borough_ethnic_group') }}
),

ethnic_groups as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_borough_ethnic_group') }}
    where column_name = 'ethnic_group'
),

final as (
    select
        cast(source.year as integer) as year,
        source.area_code,
        source.area,
        coalesce(ethnic_groups.label, source.ethnic_group) as ethnic_group,
        ethnic_groups.grouping as ethnic_group_broad,
        source.ethnic_group is not null
        and ethnic_groups.label is null as is_unrecognised_ethnic_group,
        source.people,
        source.confidence_interval,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    left join ethnic_groups on source.ethnic_group = ethnic_groups.value
)

select * from final
