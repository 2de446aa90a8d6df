{{ config(incremental_strategy='by_month_onward') }}

with outcomes as (
    select * from {{ ref('stg_police_uk_outcomes') }}
    where {{ months_from_scope('month_text') }}
),

{% if is_incremental() -%}
-- Of some months, only their crimes are looked at. Read again rather than taken from
-- `outcomes`: an import that is used twice is first copied into memory, every column.
outcome_keys as (
    select crime_key from {{ ref('stg_police_uk_outcomes') }}
    where {{ months_from_scope('month_text') }}
),

{% endif -%}
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
    {% if is_incremental() -%}
    where crime_key in (select outcome_keys.crime_key from outcome_keys)
    {% endif -%}
    group by crime_key
),

matched as (
    select
        crime_key,
        {{ month_from_text('substr(month_and_type, 1, 7)') }} as month,
        substr(month_and_type, 8) as crime_type
    from crimes
),

final as (
    select
        outcomes.month,
        outcomes.month_text,
        outcomes.force,
        outcomes.outcome,
        coalesce(outcomes.outcome_group, 'not grouped') as outcome_group,
        outcomes.is_unrecognised_outcome,
        outcomes.crime_key,
        matched.month is not null as is_matched,
        matched.month as crime_month,
        matched.crime_type,
        {{ months_between('matched.month', 'outcomes.month') }} as months_to_outcome,
        outcomes.is_located,
        outcomes.lsoa_code,
        case
            when outcomes.lsoa_code is null then 'no-lsoa'
            else coalesce(geography.borough_code, 'elsewhere')
        end as borough_code,
        outcomes.is_exact_repeat,
        outcomes.shares_identifier,
        outcomes.source_file,
        outcomes.source_line
    from outcomes
    left join matched on outcomes.crime_key = matched.crime_key
    left join geography on outcomes.lsoa_code = geography.lsoa_code
)

select * from final
