with counts as (
    select * from {{ ref('stg_mps_borough_crime') }}
    where {{ months_in_scope('month_text') }}
),

final as (
    select
        month,
        month_text,
        offence_group,
        offence,
        offence_group_received,
        offence_received,
        borough,
        is_borough,
        is_comparable,
        crimes,
        release_date,
        source_file,
        source_line
    from counts
)

select * from final
