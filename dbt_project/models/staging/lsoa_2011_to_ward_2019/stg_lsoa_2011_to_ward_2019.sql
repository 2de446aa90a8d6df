with source as (
    select * from {{ source('raw', 'lsoa_2011_to_ward_2019') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        ward_code,
        ward,
        borough_code,
        borough,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
