{{ config(incremental_strategy='by_month_onward') }}

with outcomes as (
    select * from {{ ref('stg_police_uk_outcomes') }}
    where {{ months_from_scope('month_text') }}
),

geography as (
    select * from {{ ref('int_geography') }}
),

-- One row per identifier: rows that share one must not multiply the outcomes. The
-- earliest month wins, and the first type in the alphabet within it; month and type are
-- compared as one text so that both come from the same crime.
crimes as (
    select
        crime_key,
        min(month_text || crime_type) as month_and_type
    from {{ ref('fct_crimes') }}
    where crime_key in (select outcomes.crime_key from outcomes)
    group by crime_key
),

matched as (
    select
        outcomes.*,
        {{ month_from_text('substr(crimes.month_and_type, 1, 7)') }} as crime_month,
        substr(crimes.month_and_type, 8) as crime_type
    from outcomes
    left join crimes on outcomes.crime_key = crimes.crime_key
),

final as (
    select
        matched.month,
        matched.month_text,
        matched.force,
        matched.outcome,
        coalesce(matched.outcome_group, 'not grouped') as outcome_group,
        matched.is_unrecognised_outcome,
        matched.crime_key,
        matched.crime_month is not null as is_matched,
        matched.crime_month,
        matched.crime_type,
        {{ months_between('matched.crime_month', 'matched.month') }}
            as months_to_outcome,
        matched.is_located,
        matched.lsoa_code,
        case
            when matched.lsoa_code is null then 'no-lsoa'
            else coalesce(geography.borough_code, 'elsewhere')
        end as borough_code,
        matched.is_exact_repeat,
        matched.shares_identifier,
        matched.source_file,
        matched.source_line
    from matched
    left join geography on matched.lsoa_code = geography.lsoa_code
)

select * from final
