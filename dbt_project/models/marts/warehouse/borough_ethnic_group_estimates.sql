with estimates as (
    select * from {{ ref('stg_borough_ethnic_group') }}
),

final as (
    select
        year,
        area_code,
        area,
        ethnic_group,
        ethnic_group_broad,
        cast(people as integer) as people,
        cast(confidence_interval as integer) as confidence_interval_95,
        people is null as is_suppressed
    from estimates
)

select * from final
