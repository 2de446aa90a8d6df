with source as (
    select * from {{ source('raw', 'lsoa_2011_to_lsoa_2021') }}
),

final as (
    select
        lsoa_2011_code,
        lsoa_2011_name,
        lsoa_2021_code,
        lsoa_2021_name,
        share_of_lsoa_2011_area,
        share_of_lsoa_2021_area,
        method,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
