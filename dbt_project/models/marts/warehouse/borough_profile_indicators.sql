with profiles as (
    select * from {{ ref('stg_borough_profiles') }}
),

final as (
    select
        area_code,
        area,
        indicator,
        value_text,
        -- Suppressed and missing values are written "-", ".", "!" or "x".
        try_cast(value_text as double) as value_number
    from profiles
)

select * from final
