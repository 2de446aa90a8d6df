with source as (
    select * from {{ source('raw', 'patrol_activity') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.patrol_id,
        source.unit,
        source.activity,
        source.started_at,
        source.ended_at,
        source.officers,
        source.lsoa_code,
        source.borough_code,
        source.release_date,
        source.source_file,
        source.source_line
    from source
)

select * from final
