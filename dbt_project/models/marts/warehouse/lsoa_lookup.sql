with geography as (
    select * from {{ ref('int_geography') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        lsoa_vintage,
        msoa_code,
        msoa_name,
        ward_code,
        ward,
        is_ward_best_fit,
        borough_code,
        borough,
        force
    from geography
)

select * from final
