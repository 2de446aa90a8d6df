{{ config(materialized='incremental', incremental_strategy='whole_when_touched') }}

{#- A pair new in one month is nought in all the others: all months or none. -#}
{%- set counts = ref('fct_recorded_crime_borough') -%}
{%- set is_touched = not is_incremental() or months_touch([counts, this]) %}

with counts as (
    select * from {{ counts }}
    where {{ is_touched }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

-- Wide files leave out a row that is nought throughout their window, so a pair that any
-- release holds and this month's does not is nought, not unknown.
pairs as (
    select
        borough,
        offence_group,
        offence,
        min(is_borough) as is_borough,
        min(is_comparable) as is_comparable
    from counts
    group by borough, offence_group, offence
),

months as (
    select
        month,
        max(release_date) as release_date
    from counts
    group by month
),

counted as (
    select
        month,
        borough,
        offence_group,
        offence,
        sum(crimes) as crimes
    from counts
    group by month, borough, offence_group, offence
),

final as (
    select
        months.month,
        borough_forces.borough_code,
        pairs.borough,
        pairs.offence_group,
        pairs.offence,
        cast(coalesce(counted.crimes, 0) as integer) as crimes,
        counted.crimes is null as is_absent_zero,
        pairs.is_borough,
        pairs.is_comparable,
        months.release_date
    from pairs
    cross join months
    left join counted
        on
            pairs.borough = counted.borough
            and pairs.offence_group = counted.offence_group
            and pairs.offence = counted.offence
            and months.month = counted.month
    left join borough_forces on pairs.borough = borough_forces.borough
)

select * from final
