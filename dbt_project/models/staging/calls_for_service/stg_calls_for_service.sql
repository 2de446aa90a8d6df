with source as (
    select * from {{ source('raw', 'calls_for_service') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.call_number,
        source.received_at,
        source.channel,
        source.grade,
        source.opening_category,
        source.answered_after_seconds,
        source.abandoned,
        source.despatched_at,
        source.arrived_at,
        source.closed_at,
        source.lsoa_code,
        source.borough_code,
        source.crime_number,
        source.environment,
        {{ local_time('source.received_at') }} as received_at_local,
        source.release_date,
        source.source_file,
        source.source_line
    from source
)

select * from final
