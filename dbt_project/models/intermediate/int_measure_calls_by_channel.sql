{{ config(
    materialized='incremental',
    incremental_strategy='by_month',
    on_schema_change='fail'
) }}

with calls as (
    select * from {{ ref('stg_calls_for_service') }}
    where {{ months_in_scope('month_text') }}
),

final as (
    select
        month,
        coalesce(borough_code, 'unknown') as borough_code,
        channel,
        cast(count(*) as integer) as calls,
        cast(sum(case when abandoned then 1 else 0 end) as integer) as abandoned
    from calls
    group by month, coalesce(borough_code, 'unknown'), channel
)

select * from final
