with source as (
    select * from {{ source('raw', 'lsoa_2011_to_borough') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        msoa_code,
        msoa_name,
        borough_code,
        borough,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
