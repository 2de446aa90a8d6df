with source as (
    select * from {{ source('raw', 'borough_profiles') }}
),

final as (
    select
        area_code,
        area,
        indicator,
        value_text,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
