with source as (
    select * from {{ source('raw', 'mps_lsoa_burglary') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        msoa_code,
        msoa_name,
        borough_code,
        borough,
        cast(year as integer) as year,
        burglaries,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
