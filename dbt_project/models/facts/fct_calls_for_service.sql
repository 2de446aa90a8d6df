with calls as (
    select * from {{ ref('stg_calls_for_service') }}
    where {{ months_in_scope('month_text') }}
),

final as (
    select
        month,
        month_text,
        call_number,
        channel,
        coalesce(grade, 'none') as grade,
        coalesce(environment, 'unknown') as environment,
        borough_code,
        coalesce(borough_code, 'unknown') as area_code,
        cast(received_at_local as date) as call_date,
        cast(extract(hour from received_at_local) as integer) as hour_of_day,
        abandoned as is_abandoned,
        answered_after_seconds,
        arrived_at is not null as is_attended,
        {{ seconds_between('received_at', 'arrived_at') }} as seconds_to_arrival,
        despatched_at is not null as is_despatched,
        {{ seconds_between('despatched_at', 'arrived_at') }}
            as seconds_despatch_to_arrival,
        {{ seconds_between('despatched_at', 'closed_at') }}
            as seconds_despatch_to_close,
        source_file,
        source_line
    from calls
)

select * from final
