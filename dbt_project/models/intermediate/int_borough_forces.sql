with lsoa_2011 as (
    select * from {{ ref('stg_lsoa_2011_to_borough') }}
),

lsoa_2021 as (
    select * from {{ ref('stg_lsoa_2021_to_borough') }}
),

boroughs as (
    select
        borough_code,
        borough
    from lsoa_2021
    union
    select
        borough_code,
        borough
    from lsoa_2011
    where
        borough_code not in (
            select lsoa_2021.borough_code from lsoa_2021
        )
),

final as (
    select
        borough_code,
        borough,
        -- E090009… are the made-up boroughs of the sample force.
        case
            when borough_code = 'E09000001' then 'city-of-london'
            when borough_code = 'E09000901' then 'sample-city'
            when borough_code like 'E090009%' then 'sample-force'
            when borough_code like 'E09%' then 'metropolitan'
        end as force
    from boroughs
)

select * from final
