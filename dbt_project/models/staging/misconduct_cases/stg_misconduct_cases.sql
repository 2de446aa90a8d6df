with source as (
    select * from {{ source('raw', 'misconduct_cases') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.case_number,
        source.opened_on,
        source.closed_on,
        source.allegation,
        source.severity,
        source.officer_id,
        source.complainant_nominal_id,
        source.outcome,
        source.release_date,
        source.source_file,
        source.source_line
    from source
)

select * from final
