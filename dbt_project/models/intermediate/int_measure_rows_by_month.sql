-- noqa: disable=all
-- Generated from edp_platform/defs/*/measures. Do not edit: change a measure and run `edp generate`.
{{ config(
    materialized='incremental',
    incremental_strategy='by_month',
    on_schema_change='fail'
) }}

with

received as (
    select
        received.month,
        'calls_for_service' as supply,
        'sample-force' as force,
        received.release_date,
        1 as row_count,
        case when received.borough_code is null then 1 else 0 end as rows_without_place
    from {{ ref('stg_calls_for_service') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'crime_reports' as supply,
        'sample-force' as force,
        received.release_date,
        1 as row_count,
        case when received.borough_code is null then 1 else 0 end as rows_without_place
    from {{ ref('stg_crime_reports') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'custody_records' as supply,
        'sample-force' as force,
        received.release_date,
        1 as row_count,
        0 as rows_without_place
    from {{ ref('stg_custody_records') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'misconduct_cases' as supply,
        'sample-force' as force,
        received.release_date,
        1 as row_count,
        0 as rows_without_place
    from {{ ref('stg_misconduct_cases') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'mopac_public_attitude_survey' as supply,
        areas.force,
        received.release_date,
        1 as row_count,
        0 as rows_without_place
    from {{ ref('stg_mopac_public_attitude_survey') }} as received
    inner join {{ ref('int_borough_forces') }} as areas
        on received.borough = areas.borough
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'mps_borough_crime, mps_ward_crime' as supply,
        areas.force,
        received.release_date,
        1 as row_count,
        0 as rows_without_place
    from {{ ref('stg_mps_borough_crime') }} as received
    inner join {{ ref('int_borough_forces') }} as areas
        on received.borough = areas.borough
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'mps_borough_crime, mps_ward_crime' as supply,
        areas.force,
        received.release_date,
        1 as row_count,
        0 as rows_without_place
    from {{ ref('stg_mps_ward_crime') }} as received
    inner join {{ ref('int_borough_forces') }} as areas
        on received.borough = areas.borough
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'mps_ward_crime' as supply,
        areas.force,
        received.release_date,
        1 as row_count,
        0 as rows_without_place
    from {{ ref('stg_mps_ward_crime') }} as received
    inner join {{ ref('int_borough_forces') }} as areas
        on received.borough = areas.borough
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'police_uk_outcomes' as supply,
        received.force,
        received.release_date,
        1 as row_count,
        case when received.lsoa_code is null then 1 else 0 end as rows_without_place
    from {{ ref('stg_police_uk_outcomes') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'police_uk_stop_and_search' as supply,
        received.force,
        received.release_date,
        1 as row_count,
        case when received.borough_code is null then 1 else 0 end as rows_without_place
    from {{ ref('stg_police_uk_stop_and_search') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'police_uk_street' as supply,
        received.force,
        received.release_date,
        1 as row_count,
        case when received.lsoa_code is null then 1 else 0 end as rows_without_place
    from {{ ref('stg_police_uk_street') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'stop_and_search_records' as supply,
        'sample-force' as force,
        received.release_date,
        1 as row_count,
        case when received.borough_code is null then 1 else 0 end as rows_without_place
    from {{ ref('stg_stop_and_search_records') }} as received
    where {{ months_in_scope('received.month_text') }}
    union all
    select
        received.month,
        'victim_satisfaction_survey' as supply,
        'sample-force' as force,
        received.release_date,
        1 as row_count,
        case when received.borough_code is null then 1 else 0 end as rows_without_place
    from {{ ref('stg_victim_satisfaction_survey') }} as received
    where {{ months_in_scope('received.month_text') }}
),

final as (
    select
        month,
        supply,
        force,
        release_date,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(rows_without_place) as bigint) as rows_without_place
    from received
    group by month, supply, force, release_date
)

select * from final
