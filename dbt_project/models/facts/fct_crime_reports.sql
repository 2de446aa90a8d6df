with reports as (
    select * from {{ ref('stg_crime_reports') }}
    where {{ months_in_scope('month_text') }}
),

final as (
    select
        month,
        month_text,
        crime_number,
        crime_type,
        coalesce(environment, 'unknown') as environment,
        borough_code,
        mopi_group,
        -- The first file of the sample force holds what its new system took over.
        cast(reported_at as date) < month as is_back_record,
        source_file,
        source_line
    from reports
)

select * from final
