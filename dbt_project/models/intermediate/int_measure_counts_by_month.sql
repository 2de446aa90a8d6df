-- noqa: disable=all
-- Generated from edp_platform/defs/*/measures. Do not edit: change a measure and run `edp generate`.
{{ config(
    materialized='incremental',
    incremental_strategy='by_month',
    on_schema_change='fail'
) }}

with

rows_counted as (
    select
        'antisocial_behaviour' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Anti-social behaviour')
    union all
    select
        'antisocial_behaviour' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Anti-social behaviour')
    union all
    select
        'antisocial_behaviour' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Anti-social behaviour')
        and counts.borough_code is not null
    union all
    select
        'antisocial_behaviour_rate' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Anti-social behaviour')
    union all
    select
        'antisocial_behaviour_rate' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Anti-social behaviour')
    union all
    select
        'calls_101_abandoned' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.abandoned as numerator,
        counts.calls as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_calls_by_channel') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.channel = '101')
    union all
    select
        'calls_101_abandoned' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        counts.abandoned as numerator,
        counts.calls as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_calls_by_channel') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.channel = '101')
    union all
    select
        'calls_999_answered_on_time' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.answered_999_in_10_seconds as numerator,
        counts.calls_999 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('calls_by_hour') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'calls_999_answered_on_time' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        counts.answered_999_in_10_seconds as numerator,
        counts.calls_999 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('calls_by_hour') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'children_detained' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.detentions as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('custody_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.age_group = 'Under 18')
    union all
    select
        'crime_environment_recorded' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment in ('public', 'private', 'online')) then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'crime_environment_recorded' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment in ('public', 'private', 'online')) then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'crime_online_share' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment = 'online') then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.environment = 'unknown')
    union all
    select
        'crime_online_share' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment = 'online') then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.environment = 'unknown')
    union all
    select
        'crime_private_share' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment = 'private') then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.environment = 'unknown')
    union all
    select
        'crime_private_share' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment = 'private') then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.environment = 'unknown')
    union all
    select
        'crime_public_share' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment = 'public') then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.environment = 'unknown')
    union all
    select
        'crime_public_share' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        case when (counts.environment = 'public') then counts.crime_reports - counts.reported_earlier else 0 end as numerator,
        counts.crime_reports - counts.reported_earlier as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_reports_by_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.environment = 'unknown')
    union all
    select
        'detention_hours' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.hours_detained as numerator,
        counts.detentions_ended as denominator,
        cast(null as double) as squared_weights
    from {{ ref('custody_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'immediate_calls_on_time' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.attended_in_15_minutes as numerator,
        counts.calls as denominator,
        cast(null as double) as squared_weights
    from {{ ref('calls_by_hour') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.grade = 'I')
    union all
    select
        'immediate_calls_on_time' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        counts.attended_in_15_minutes as numerator,
        counts.calls as denominator,
        cast(null as double) as squared_weights
    from {{ ref('calls_by_hour') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.grade = 'I')
    union all
    select
        'minutes_to_authorisation' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.minutes_to_authorisation as numerator,
        counts.detentions as denominator,
        cast(null as double) as squared_weights
    from {{ ref('custody_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'published_crime' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.crime_type = 'Anti-social behaviour')
    union all
    select
        'published_crime' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.crime_type = 'Anti-social behaviour')
    union all
    select
        'published_crime' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.crime_type = 'Anti-social behaviour')
        and counts.borough_code is not null
    union all
    select
        'published_theft_from_the_person' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Theft from the person')
    union all
    select
        'published_theft_from_the_person' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Theft from the person')
    union all
    select
        'published_theft_from_the_person' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Theft from the person')
        and counts.borough_code is not null
    union all
    select
        'published_violence' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Violence and sexual offences')
    union all
    select
        'published_violence' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_borough_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Violence and sexual offences')
    union all
    select
        'published_violence' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.crime_type = 'Violence and sexual offences')
        and counts.borough_code is not null
    union all
    select
        'search_ethnicity_mismatch' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.ethnicity_mismatched as numerator,
        counts.ethnicity_comparable as denominator,
        cast(null as double) as squared_weights
    from {{ ref('stop_and_search_records_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'search_ethnicity_mismatch' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        counts.ethnicity_mismatched as numerator,
        counts.ethnicity_comparable as denominator,
        cast(null as double) as squared_weights
    from {{ ref('stop_and_search_records_by_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'search_find_rate' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.finds as numerator,
        counts.finds_known as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.force in ('metropolitan', 'sample-force'))
    union all
    select
        'search_find_rate' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.finds as numerator,
        counts.finds_known as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
        and not (counts.force in ('metropolitan', 'sample-force'))
    union all
    select
        'search_find_rate_recorded' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.found_object_of_search as numerator,
        counts.searches as denominator,
        cast(null as double) as squared_weights
    from {{ ref('stop_and_search_records_by_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'search_find_rate_recorded' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        counts.found_object_of_search as numerator,
        counts.searches as denominator,
        cast(null as double) as squared_weights
    from {{ ref('stop_and_search_records_by_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'search_positive_outcomes' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.positive_outcomes as numerator,
        counts.outcomes_stated as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'search_positive_outcomes' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.positive_outcomes as numerator,
        counts.outcomes_stated as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'search_rate' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.searches as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'search_rate' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.searches as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'searches' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.searches as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'searches' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.searches as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('searches_by_ethnic_group_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        {{ month_dates_in_scope('counts.month') }}
    union all
    select
        'significant_calls_on_time' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.attended_in_60_minutes as numerator,
        counts.calls as denominator,
        cast(null as double) as squared_weights
    from {{ ref('calls_by_hour') }} as counts
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.grade = 'S')
    union all
    select
        'significant_calls_on_time' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        'sample-force' as force,
        counts.month as month,
        counts.attended_in_60_minutes as numerator,
        counts.calls as denominator,
        cast(null as double) as squared_weights
    from {{ ref('calls_by_hour') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        {{ month_dates_in_scope('counts.month') }}
        and (counts.grade = 'S')
),

final as (
    select
        measure,
        area_kind,
        area_code,
        min(area) as area,
        force,
        month,
        cast(round(sum(numerator), 9) as double) as numerator,
        cast(round(sum(denominator), 9) as double) as denominator,
        cast(round(sum(squared_weights), 9) as double) as squared_weights
    from rows_counted
    group by measure, area_kind, area_code, force, month
)

select * from final
