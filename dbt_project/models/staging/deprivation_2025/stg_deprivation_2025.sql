with source as (
    select * from {{ source('raw', 'deprivation_2025') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        borough_code,
        borough,
        cast(imd_rank as integer) as imd_rank,
        cast(imd_decile as integer) as imd_decile,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
