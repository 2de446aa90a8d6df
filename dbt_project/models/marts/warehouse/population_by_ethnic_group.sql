with census as (
    select * from {{ ref('stg_census_2021_ethnic_group') }}
),

-- The file repeats a label for several codes (two kinds of "White Other").
final as (
    select
        local_authority_code as area_code,
        min(local_authority) as area,
        2021 as population_year,
        ethnic_group,
        ethnic_group_broad,
        cast(sum(people) as integer) as people,
        local_authority_code like 'E09%' as is_london
    from census
    -- "Does not apply" is a category of the census tool, nought for every area.
    where ethnic_group_code <> -8
    group by local_authority_code, ethnic_group, ethnic_group_broad
)

select * from final
