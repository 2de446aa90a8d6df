{{ config(materialized='incremental', incremental_strategy='by_month') }}

with searches as (
    select * from {{ ref('stg_stop_and_search_records') }}
    where {{ months_in_scope('month_text') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

compared as (
    select
        month,
        coalesce(borough_code, 'unknown') as borough_code,
        coalesce(object_of_search, 'Not stated') as object_of_search,
        ethnicity_self_defined_group,
        ethnicity_officer_defined_group,
        outcome_linked_to_object,
        outcome,
        -- Officers have no code for Mixed: such a pair can neither agree nor differ.
        coalesce(
            ethnicity_self_defined_group in ('White', 'Asian', 'Black', 'Other')
            and ethnicity_officer_defined_group in (
                'White', 'Asian', 'Black', 'Other'
            ),
            false
        ) as is_comparable
    from searches
),

counted as (
    select
        month,
        borough_code,
        object_of_search,
        ethnicity_self_defined_group,
        ethnicity_officer_defined_group,
        count(*) as searches,
        sum(
            case when coalesce(outcome, '') <> 'No further action' then 1 else 0 end
        ) as with_further_action,
        sum(case when outcome_linked_to_object then 1 else 0 end)
            as found_object_of_search,
        sum(case when is_comparable then 1 else 0 end) as ethnicity_comparable,
        sum(
            case
                when
                    is_comparable
                    and ethnicity_self_defined_group
                    <> ethnicity_officer_defined_group
                    then 1
                else 0
            end
        ) as ethnicity_mismatched
    from compared
    group by
        month,
        borough_code,
        object_of_search,
        ethnicity_self_defined_group,
        ethnicity_officer_defined_group
),

final as (
    select
        counted.month,
        counted.borough_code,
        case
            when counted.borough_code = 'unknown' then 'Not known'
            else coalesce(borough_forces.borough, 'Outside the areas held')
        end as borough,
        counted.object_of_search,
        counted.ethnicity_self_defined_group,
        counted.ethnicity_officer_defined_group,
        cast(counted.searches as integer) as searches,
        cast(counted.with_further_action as integer) as with_further_action,
        cast(counted.found_object_of_search as integer) as found_object_of_search,
        cast(counted.ethnicity_comparable as integer) as ethnicity_comparable,
        cast(counted.ethnicity_mismatched as integer) as ethnicity_mismatched
    from counted
    left join borough_forces on counted.borough_code = borough_forces.borough_code
)

select * from final
