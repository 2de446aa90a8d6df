{{ config(materialized='incremental', incremental_strategy='by_month') }}

with detentions as (
    select * from {{ ref('stg_custody_records') }}
    where {{ months_in_scope('month_text') }}
),

described as (
    select
        month,
        case
            when age_at_arrest is null then 'Not known'
            when age_at_arrest < 18 then 'Under 18'
            else '18 and over'
        end as age_group,
        ethnicity_self_defined_group,
        coalesce(disposal, 'Not known') as disposal,
        {{ seconds_between('arrested_at', 'detention_authorised_at') }} / 60.0
            as minutes_to_authorisation,
        {{ seconds_between('detention_authorised_at', 'released_at') }} / 3600.0
            as hours_detained
    from detentions
),

final as (
    select
        month,
        age_group,
        ethnicity_self_defined_group,
        disposal,
        cast(count(*) as integer) as detentions,
        cast(sum(minutes_to_authorisation) as double) as minutes_to_authorisation,
        cast(count(hours_detained) as integer) as detentions_ended,
        cast(sum(hours_detained) as double) as hours_detained
    from described
    group by month, age_group, ethnicity_self_defined_group, disposal
)

select * from final
