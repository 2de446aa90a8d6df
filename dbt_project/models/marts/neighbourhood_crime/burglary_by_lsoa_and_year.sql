with burglary as (
    select * from {{ ref('stg_mps_lsoa_burglary') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        borough_code,
        borough,
        year,
        cast(burglaries as integer) as burglaries
    from burglary
)

select * from final
