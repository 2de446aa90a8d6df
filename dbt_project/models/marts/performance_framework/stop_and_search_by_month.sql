{{ config(materialized='incremental', incremental_strategy='by_month') }}

with searches as (
    select * from {{ ref('fct_searches') }}
    where {{ month_dates_in_scope('month') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

counted as (
    select
        month,
        force,
        borough_code,
        object_of_search,
        outcome,
        self_defined_ethnicity_5_plus_1,
        officer_defined_ethnicity,
        count(*) as searches,
        sum(case when is_exact_repeat then 1 else 0 end) as exact_repeats,
        -- Null, not nought, where a force does not supply the link.
        sum(
            case
                when found_object_of_search then 1
                when not found_object_of_search then 0
            end
        ) as found_object_of_search,
        count(found_object_of_search) as searches_with_link_supplied,
        sum(case when has_coordinates then 0 else 1 end) as without_coordinates
    from searches
    group by
        month,
        force,
        borough_code,
        object_of_search,
        outcome,
        self_defined_ethnicity_5_plus_1,
        officer_defined_ethnicity
),

final as (
    select
        counted.month,
        counted.force,
        counted.borough_code,
        case
            when counted.borough_code = 'no-coordinates' then 'No coordinates'
            when counted.borough_code = 'elsewhere' then 'Outside the areas held'
            else borough_forces.borough
        end as borough,
        counted.object_of_search,
        counted.outcome,
        counted.self_defined_ethnicity_5_plus_1,
        counted.officer_defined_ethnicity,
        cast(counted.searches as integer) as searches,
        cast(counted.exact_repeats as integer) as exact_repeats,
        cast(counted.found_object_of_search as integer) as found_object_of_search,
        cast(counted.searches_with_link_supplied as integer)
            as searches_with_link_supplied,
        cast(counted.without_coordinates as integer) as without_coordinates
    from counted
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
