with boundaries as (
    select * from {{ ref('stg_borough_boundaries') }}
),

final as (
    select
        borough_code,
        borough,
        geometry_geojson
    from boundaries
)

select * from final
