-- noqa: disable=all
-- Generated from edp_platform/defs/*/measures. Do not edit: change a measure and run `edp generate`.
with

rows_counted as (
    select
        'aggravated_public_order' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence in ('Racially or religiously aggravated public fear, al', 'Race or religious agg public fear'))
    union all
    select
        'aggravated_public_order' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence in ('Racially or religiously aggravated public fear, al', 'Race or religious agg public fear'))
    union all
    select
        'burglary' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Burglary')
    union all
    select
        'burglary' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Burglary')
    union all
    select
        'burglary' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence_group = 'Burglary')
        and counts.borough_code is not null
    union all
    select
        'burglary_rate' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Burglary')
    union all
    select
        'burglary_rate' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Burglary')
    union all
    select
        'burglary_small_areas' as measure,
        'lsoa' as area_kind,
        counts.lsoa_code as area_code,
        counts.lsoa_name as area,
        areas.force as force,
        make_date(cast(counts.year as integer), 1, 1) as month,
        counts.burglaries as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('burglary_by_lsoa_and_year') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    union all
    select
        'good_job_locally' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police do a good job locally')
        and counts.mps_proportion is not null
    union all
    select
        'good_job_locally' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police do a good job locally')
        and counts.proportion is not null
    union all
    select
        'homicide' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence = 'Homicide')
    union all
    select
        'homicide' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence = 'Homicide')
    union all
    select
        'know_ward_officer' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Knows how to contact the ward officer')
        and counts.mps_proportion is not null
    union all
    select
        'know_ward_officer' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Knows how to contact the ward officer')
        and counts.proportion is not null
    union all
    select
        'listen_to_concerns' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police listen to local concerns')
        and counts.mps_proportion is not null
    union all
    select
        'listen_to_concerns' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police listen to local concerns')
        and counts.proportion is not null
    union all
    select
        'misconduct_closed_on_time' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        counts.month as month,
        counts.closed_in_12_months as numerator,
        counts.cases_closed as denominator,
        cast(null as double) as squared_weights
    from {{ ref('misconduct_timeliness_by_month') }} as counts
    union all
    select
        'neighbourhood_crime' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building', 'Robbery of personal property', 'Theft from person', 'Theft from the person', 'Theft from a motor vehicle', 'Theft from a vehicle', 'Theft or taking of a motor vehicle', 'Theft or unauth taking of a motor veh', 'Aggravated vehicle taking', 'Interfering with a motor vehicle'))
    union all
    select
        'neighbourhood_crime' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building', 'Robbery of personal property', 'Theft from person', 'Theft from the person', 'Theft from a motor vehicle', 'Theft from a vehicle', 'Theft or taking of a motor vehicle', 'Theft or unauth taking of a motor veh', 'Aggravated vehicle taking', 'Interfering with a motor vehicle'))
    union all
    select
        'neighbourhood_crime' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building', 'Robbery of personal property', 'Theft from person', 'Theft from the person', 'Theft from a motor vehicle', 'Theft from a vehicle', 'Theft or taking of a motor vehicle', 'Theft or unauth taking of a motor veh', 'Aggravated vehicle taking', 'Interfering with a motor vehicle'))
        and counts.borough_code is not null
    union all
    select
        'neighbourhood_crime_rate' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building', 'Robbery of personal property', 'Theft from person', 'Theft from the person', 'Theft from a motor vehicle', 'Theft from a vehicle', 'Theft or taking of a motor vehicle', 'Theft or unauth taking of a motor veh', 'Aggravated vehicle taking', 'Interfering with a motor vehicle'))
    union all
    select
        'neighbourhood_crime_rate' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building', 'Robbery of personal property', 'Theft from person', 'Theft from the person', 'Theft from a motor vehicle', 'Theft from a vehicle', 'Theft or taking of a motor vehicle', 'Theft or unauth taking of a motor veh', 'Aggravated vehicle taking', 'Interfering with a motor vehicle'))
    union all
    select
        'personal_robbery' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence = 'Robbery of personal property')
    union all
    select
        'personal_robbery' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence = 'Robbery of personal property')
    union all
    select
        'personal_robbery' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence = 'Robbery of personal property')
        and counts.borough_code is not null
    union all
    select
        'personal_robbery_rate' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence = 'Robbery of personal property')
    union all
    select
        'personal_robbery_rate' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence = 'Robbery of personal property')
    union all
    select
        'positive_outcomes' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        case when (counts.outcome_group in ('charged/summonsed', 'out-of-court')) then counts.outcomes else 0 end as numerator,
        counts.outcomes as denominator,
        cast(null as double) as squared_weights
    from {{ ref('outcomes_by_month') }} as counts
    where
        not (counts.outcome_group = 'court result')
    union all
    select
        'rape' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence = 'Rape')
    union all
    select
        'rape' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence = 'Rape')
    union all
    select
        'relied_on_when_needed' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police can be relied on to be there when needed')
        and counts.mps_proportion is not null
    union all
    select
        'relied_on_when_needed' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police can be relied on to be there when needed')
        and counts.proportion is not null
    union all
    select
        'residential_burglary' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building'))
    union all
    select
        'residential_burglary' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building'))
    union all
    select
        'residential_burglary' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence in ('Domestic burglary', 'Burglary in a dwelling', 'Burglary - residential', 'Res burglary of a home', 'Res burglary of unconnected building'))
        and counts.borough_code is not null
    union all
    select
        'serious_violence' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence in ('Homicide', 'Violence with injury'))
    union all
    select
        'serious_violence' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence in ('Homicide', 'Violence with injury'))
    union all
    select
        'serious_violence' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence in ('Homicide', 'Violence with injury'))
        and counts.borough_code is not null
    union all
    select
        'sexual_offences' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Sexual Offences')
    union all
    select
        'sexual_offences' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Sexual Offences')
    union all
    select
        'shoplifting' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence = 'Shoplifting')
    union all
    select
        'shoplifting' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence = 'Shoplifting')
    union all
    select
        'shoplifting' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence = 'Shoplifting')
        and counts.borough_code is not null
    union all
    select
        'theft' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Theft')
    union all
    select
        'theft' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Theft')
    union all
    select
        'theft' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence_group = 'Theft')
        and counts.borough_code is not null
    union all
    select
        'theft_from_the_person' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence in ('Theft from person', 'Theft from the person'))
    union all
    select
        'theft_from_the_person' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence in ('Theft from person', 'Theft from the person'))
    union all
    select
        'theft_from_the_person' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence in ('Theft from person', 'Theft from the person'))
        and counts.borough_code is not null
    union all
    select
        'total_notifiable_offences' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        not (counts.offence_group in ('Other Accepted Crime', 'NFIB Fraud'))
    union all
    select
        'total_notifiable_offences' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        not (counts.offence_group in ('Other Accepted Crime', 'NFIB Fraud'))
    union all
    select
        'total_notifiable_offences' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        not (counts.offence_group in ('Other Accepted Crime', 'NFIB Fraud'))
        and counts.borough_code is not null
    union all
    select
        'treat_everyone_fairly' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police treat everyone fairly')
        and counts.mps_proportion is not null
    union all
    select
        'treat_everyone_fairly' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police treat everyone fairly')
        and counts.proportion is not null
    union all
    select
        'trust_in_police' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Trust the Metropolitan Police')
        and counts.mps_proportion is not null
    union all
    select
        'trust_in_police' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Trust the Metropolitan Police')
        and counts.proportion is not null
    union all
    select
        'understand_local_issues' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police understand local issues')
        and counts.mps_proportion is not null
    union all
    select
        'understand_local_issues' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Police understand local issues')
        and counts.proportion is not null
    union all
    select
        'vehicle_crime' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Vehicle Offences')
    union all
    select
        'vehicle_crime' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Vehicle Offences')
    union all
    select
        'vehicle_crime' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence_group = 'Vehicle Offences')
        and counts.borough_code is not null
    union all
    select
        'vehicle_crime_rate' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Vehicle Offences')
    union all
    select
        'vehicle_crime_rate' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Vehicle Offences')
    union all
    select
        'victim_satisfaction' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        cast(date_trunc('quarter', counts.quarter_start) as date) as month,
        counts.share_satisfied * counts.weight as numerator,
        counts.weight as denominator,
        counts.weight_squared as squared_weights
    from {{ ref('victim_satisfaction_by_quarter') }} as counts
    where
        counts.share_satisfied is not null
    union all
    select
        'victims_treated_fairly' as measure,
        'force' as area_kind,
        'sample-force' as area_code,
        'sample-force' as area,
        'sample-force' as force,
        cast(date_trunc('quarter', counts.quarter_start) as date) as month,
        counts.share_treated_fairly * counts.weight_on_fairness as numerator,
        counts.weight_on_fairness as denominator,
        counts.weight_squared_on_fairness as squared_weights
    from {{ ref('victim_satisfaction_by_quarter') }} as counts
    where
        counts.share_treated_fairly is not null
    union all
    select
        'violence' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Violence Against the Person')
    union all
    select
        'violence' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Violence Against the Person')
    union all
    select
        'violence' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence_group = 'Violence Against the Person')
        and counts.borough_code is not null
    union all
    select
        'violence_with_injury' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence = 'Violence with injury')
    union all
    select
        'violence_with_injury' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence = 'Violence with injury')
    union all
    select
        'violence_with_injury' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence = 'Violence with injury')
        and counts.borough_code is not null
    union all
    select
        'weapons_possession' as measure,
        'force' as area_kind,
        counts.force as area_code,
        counts.force as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    where
        (counts.offence_group = 'Possession of Weapons')
    union all
    select
        'weapons_possession' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        counts.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('int_measure_recorded_crime') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
        and counts.force = areas.force
    where
        (counts.offence_group = 'Possession of Weapons')
    union all
    select
        'weapons_possession' as measure,
        'ward' as area_kind,
        counts.ward_code as area_code,
        counts.ward as area,
        areas.force as force,
        counts.month as month,
        counts.crimes as numerator,
        cast(null as double) as denominator,
        cast(null as double) as squared_weights
    from {{ ref('recorded_crime_by_ward_and_month') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.offence_group = 'Possession of Weapons')
        and counts.borough_code is not null
    union all
    select
        'well_informed' as measure,
        'force' as area_kind,
        areas.force as area_code,
        areas.force as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.mps_proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Feels well informed about local policing')
        and counts.mps_proportion is not null
    union all
    select
        'well_informed' as measure,
        'borough' as area_kind,
        counts.borough_code as area_code,
        areas.borough as area,
        areas.force as force,
        cast(date_trunc('quarter', counts.quarter_end) as date) as month,
        counts.proportion as numerator,
        1 as denominator,
        cast(null as double) as squared_weights
    from {{ ref('public_attitude_by_quarter') }} as counts
    inner join {{ ref('int_borough_forces') }} as areas
        on counts.borough_code = areas.borough_code
    where
        (counts.measure = 'Feels well informed about local policing')
        and counts.proportion is not null
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
