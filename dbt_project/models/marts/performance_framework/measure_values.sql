{#- A borough or ward of which more rows than this share have no known place in a month
    is only part supplied. Ours: 7 to 9 % is usual in the Metropolitan files. -#}
{%- set most_without_place = 0.2 -%}
{#- Who lives in these areas is not who is there by day, so residents are no
    denominator: no rate is given. -#}
{%- set not_by_residents = "('city-of-london', 'sample-city')" -%}
{#- Months that a median is taken over, and the share of it below which a month is
    suspected; as in supply_by_month. -#}
{%- set months_compared = 12 -%}
{%- set least_share = 0.5 -%}
{#- Before there are so many, the first file of a new system, which holds what it took
    over, would be the measure of all later ones. -#}
{%- set least_months = 3 -%}

with counts_by_month as (
    select * from {{ ref('int_measure_counts_by_month') }}
),

counts_whole as (
    select * from {{ ref('int_measure_counts_whole') }}
),

settings as (
    select * from {{ ref('int_measure_settings') }}
),

rows_by_month as (
    select * from {{ ref('int_measure_rows_by_month') }}
),

released as (
    select * from {{ ref('int_measure_releases') }}
),

judged_supply as (
    select * from {{ ref('supply_by_month') }}
),

population as (
    select * from {{ ref('population_by_area') }}
    where sex = 'all' and age_band = 'all'
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

counts as (
    select * from counts_by_month
    union all
    select * from counts_whole
),

-- Supply: which months each force supplied of what a measure needs, and which not.
received as (
    select
        month,
        supply,
        force,
        sum(row_count) as row_count,
        sum(rows_without_place) as rows_without_place,
        max(release_date) as release_date
    from rows_by_month
    group by month, supply, force
),

supplied_span as (
    select
        supply,
        force,
        min(month) as first_month,
        max(month) as last_month
    from received
    group by supply, force
),

spine as (
    {{ month_spine(
        'supplied_span', 'first_month', 'last_month', ['supply', 'force']
    ) }}
),

medians as (
    select
        spine.supply,
        spine.force,
        spine.month,
        {{ median_of('earlier.row_count') }} as median_before
    from spine
    inner join received as earlier
        on
            spine.supply = earlier.supply
            and spine.force = earlier.force
            and spine.month > earlier.month
            and {{ months_between('earlier.month', 'spine.month') }}
            <= {{ months_compared }}
    group by spine.supply, spine.force, spine.month
    having count(*) >= {{ least_months }}
),

supplied as (
    select
        spine.supply,
        spine.force,
        spine.month,
        case when received.month is null then 1 else 0 end as is_missing,
        -- Where the publisher's months are judged already, that judgement stands.
        case
            when judged_supply.supply is not null
                then case when judged_supply.supply like '%partial' then 1 else 0 end
            when received.row_count < {{ least_share }} * medians.median_before then 1
            else 0
        end as is_partial,
        received.row_count,
        received.rows_without_place,
        received.release_date
    from spine
    left join received
        on
            spine.supply = received.supply
            and spine.force = received.force
            and spine.month = received.month
    left join judged_supply
        on
            spine.supply = judged_supply.data_set
            and spine.force = judged_supply.force
            and spine.month = judged_supply.month
    left join medians
        on
            spine.supply = medians.supply
            and spine.force = medians.force
            and spine.month = medians.month
),

newest as (
    select
        *,
        max(month) over (partition by supply, force) as last_month
    from supplied
),

frequencies as (
    select distinct
        supply,
        frequency,
        months,
        supply_months
    from settings
),

periods as (
    select
        newest.supply,
        newest.force,
        frequencies.frequency,
        case frequencies.frequency
            when 'month' then newest.month
            when 'quarter' then cast(date_trunc('quarter', newest.month) as date)
            else cast(date_trunc('year', newest.month) as date)
        end as month,
        -- A monthly measure of a quarterly supply has a third of its months.
        greatest(1, frequencies.months / frequencies.supply_months)
            as supplies_expected,
        sum(1 - newest.is_missing) as supplies_received,
        sum(newest.is_partial) as supplies_partial,
        sum(newest.row_count) as row_count,
        sum(newest.rows_without_place) as rows_without_place,
        max(newest.release_date) as release_date,
        max(newest.last_month) as last_month
    from newest
    inner join frequencies on newest.supply = frequencies.supply
    group by
        newest.supply,
        newest.force,
        frequencies.frequency,
        case frequencies.frequency
            when 'month' then newest.month
            when 'quarter' then cast(date_trunc('quarter', newest.month) as date)
            else cast(date_trunc('year', newest.month) as date)
        end,
        greatest(1, frequencies.months / frequencies.supply_months)
),

divisible as (
    select
        measure,
        area_kind,
        area_code,
        force,
        max(area) as area,
        sum(denominator) as denominator,
        min(month) as first_counted,
        max(month) as last_counted
    from counts
    where area_code is not null
    group by measure, area_kind, area_code, force
),

areas as (
    select
        settings.supply,
        divisible.area_kind,
        divisible.area_code,
        divisible.force,
        max(divisible.area) as area
    from divisible
    inner join settings
        on
            divisible.measure = settings.measure
            and divisible.area_kind = settings.area_kind
    group by
        settings.supply,
        divisible.area_kind,
        divisible.area_code,
        divisible.force
),

-- A count is there for every area its data sets tell of: nought is a value. A force
-- that never fills the column divided by has no such measure, rather than nought.
series as (
    select
        settings.measure,
        settings.area_kind,
        areas.area_code,
        areas.area,
        areas.force,
        settings.kind,
        settings.scale,
        settings.frequency,
        settings.months,
        settings.settles_after,
        settings.supply,
        settings.documented_sample,
        settings.gives_shares,
        divisible.first_counted,
        divisible.last_counted
    from settings
    inner join areas
        on
            settings.supply = areas.supply
            and settings.area_kind = areas.area_kind
    left join divisible
        on
            settings.measure = divisible.measure
            and settings.area_kind = divisible.area_kind
            and areas.area_code = divisible.area_code
            and areas.force = divisible.force
    where settings.kind in ('count', 'rate') or divisible.denominator > 0
),

-- What was counted is there whether or not anybody says what was supplied.
beyond_supply as (
    select
        series.measure,
        series.area_code,
        counts.month
    from counts
    inner join series
        on
            counts.measure = series.measure
            and counts.area_code = series.area_code
            and counts.area_kind = series.area_kind
            and counts.force = series.force
    left join periods
        on
            series.supply = periods.supply
            and series.force = periods.force
            and series.frequency = periods.frequency
            and counts.month = periods.month
    where periods.month is null
),

expected as (
    select
        series.*,
        periods.month,
        periods.supplies_received,
        periods.supplies_expected,
        periods.supplies_partial,
        periods.row_count,
        periods.rows_without_place,
        periods.release_date,
        periods.last_month
    from series
    inner join periods
        on
            series.supply = periods.supply
            and series.force = periods.force
            and series.frequency = periods.frequency
            -- A question is not missing from before it was first asked.
            and (
                series.kind in ('count', 'rate')
                or series.first_counted <= periods.month
            )
    union all
    select
        series.*,
        beyond_supply.month,
        null as supplies_received,
        null as supplies_expected,
        null as supplies_partial,
        null as row_count,
        null as rows_without_place,
        null as release_date,
        null as last_month
    from beyond_supply
    inner join series
        on
            beyond_supply.measure = series.measure
            and beyond_supply.area_code = series.area_code
),

measured as (
    select
        expected.measure,
        expected.area_kind,
        expected.area_code,
        expected.area,
        expected.force,
        expected.kind,
        expected.scale,
        expected.month,
        -- Kish's effective sample size, where the answers' weights are held.
        coalesce(
            counts.denominator * counts.denominator
            / nullif(counts.squared_weights, 0),
            expected.documented_sample
        ) as sample,
        expected.gives_shares,
        case
            when expected.supplies_received = 0 then 'missing'
            when expected.kind = 'survey' and counts.numerator is null then 'missing'
            when
                expected.area_kind <> 'force'
                and expected.row_count > 0
                and expected.rows_without_place >= expected.row_count
                then 'missing'
            when
                expected.supplies_partial > 0
                or expected.supplies_received < expected.supplies_expected
                then 'partial'
            when
                expected.area_kind <> 'force'
                and expected.rows_without_place
                > {{ most_without_place }} * expected.row_count
                then 'partial'
            when
                {{ months_between(
                    'expected.month',
                    'coalesce(expected.last_month, expected.last_counted)'
                ) }} < expected.settles_after * expected.months
                then 'provisional'
            else 'complete'
        end as completeness,
        counts.numerator,
        counts.denominator,
        coalesce(expected.release_date, released.release_date) as as_at
    from expected
    -- Codes of boroughs, wards and small areas are never the same, nor a force's name.
    left join counts
        on
            expected.measure = counts.measure
            and expected.area_code = counts.area_code
            and expected.month = counts.month
    left join released on expected.supply = released.supply
),

residents as (
    select
        population.area_type as area_kind,
        population.area_code,
        population.people
    from population
    left join borough_forces on population.area_code = borough_forces.borough_code
    where
        borough_forces.force is null
        or borough_forces.force not in {{ not_by_residents }}
    union all
    select
        'force' as area_kind,
        borough_forces.force as area_code,
        sum(population.people) as people
    from population
    inner join borough_forces on population.area_code = borough_forces.borough_code
    where
        population.area_type = 'borough'
        and borough_forces.force not in {{ not_by_residents }}
    group by borough_forces.force
),

divided as (
    select
        measured.measure,
        measured.area_kind,
        measured.area_code,
        measured.area,
        measured.month,
        measured.kind,
        measured.scale,
        measured.completeness,
        measured.as_at,
        case
            when measured.completeness = 'missing' then null
            when measured.kind in ('count', 'rate')
                then coalesce(measured.numerator, 0)
            else measured.numerator
        end as numerator,
        case
            when measured.completeness = 'missing' then null
            when measured.kind = 'count' then null
            when measured.kind = 'rate' and measured.force in {{ not_by_residents }}
                then null
            when measured.kind = 'rate' then residents.people
            else measured.denominator
        end as denominator,
        measured.sample,
        measured.gives_shares
    from measured
    left join residents
        on
            measured.area_code = residents.area_code
            and measured.area_kind = residents.area_kind
),

shared as (
    select
        *,
        case
            when kind = 'count' then numerator
            when gives_shares then round(numerator / denominator, 6)
            else numerator / nullif(denominator, 0)
        end as quotient
    from divided
),

final as (
    select
        measure,
        area_kind,
        area_code,
        area,
        month,
        case when gives_shares then null else numerator end as numerator,
        case
            when gives_shares then null else cast(denominator as double)
        end as denominator,
        scale * quotient as value,
        case
            when quotient is null then null
            when kind = 'count' then {{ count_lower('numerator') }}
            when kind = 'rate'
                then scale / denominator * {{ count_lower('numerator') }}
            when kind = 'proportion'
                then scale * {{ wilson_lower('numerator', 'denominator') }}
            when kind = 'survey'
                then scale * {{ wilson_lower('(quotient * sample)', 'sample') }}
        end as lower,
        case
            when quotient is null then null
            when kind = 'count' then {{ count_upper('numerator') }}
            when kind = 'rate'
                then scale / denominator * {{ count_upper('numerator') }}
            when kind = 'proportion'
                then scale * {{ wilson_upper('numerator', 'denominator') }}
            when kind = 'survey'
                then scale * {{ wilson_upper('(quotient * sample)', 'sample') }}
        end as upper,
        case
            when quotient is null then null
            when kind in ('count', 'rate') then {{ count_interval('numerator') }}
            when kind = 'proportion' then 'wilson'
            when kind = 'survey' and sample is not null then 'survey'
        end as interval,
        completeness,
        as_at
    from shared
)

select * from final
