with source as (
    select * from {{ source('raw', 'borough_boundaries') }}
),

final as (
    select
        borough_code,
        borough,
        geometry as geometry_geojson,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
