{{ config(materialized='incremental', incremental_strategy='by_month') }}

with searches as (
    select * from {{ ref('fct_searches') }}
    where {{ month_dates_in_scope('month') }}
),

described as (
    select
        month,
        force,
        borough_code,
        case
            when
                self_defined_ethnicity_5_plus_1 in (
                    'White', 'Mixed', 'Asian', 'Black', 'Other'
                )
                then self_defined_ethnicity_5_plus_1
            else 'Not known'
        end as ethnic_group,
        case
            when
                officer_defined_ethnicity in (
                    'White', 'Mixed', 'Asian', 'Black', 'Other'
                )
                then officer_defined_ethnicity
            else 'Not known'
        end as officer_defined_ethnic_group,
        is_exact_repeat,
        -- The person fields of a vehicle searched alone are blank: nobody was.
        coalesce(search_type, '') <> 'Vehicle search' as is_of_person,
        case
            when outcome = 'Not stated' then null
            else outcome not in (
                'No further action',
                'Psychoactive substances seized, no further action'
            )
        end as is_positive,
        found_object_of_search
    from searches
),

final as (
    select
        month,
        force,
        borough_code,
        ethnic_group,
        officer_defined_ethnic_group,
        is_exact_repeat,
        cast(sum(case when is_of_person then 1 else 0 end) as integer) as searches,
        cast(sum(case when is_of_person then 0 else 1 end) as integer)
            as vehicle_only_searches,
        cast(
            sum(case when is_of_person and is_positive is not null then 1 else 0 end)
            as integer
        ) as outcomes_stated,
        cast(
            sum(case when is_of_person and is_positive then 1 else 0 end) as integer
        ) as positive_outcomes,
        cast(
            sum(
                case
                    when
                        is_of_person
                        and is_positive
                        and found_object_of_search is not null
                        then 1
                    else 0
                end
            ) as integer
        ) as positive_outcomes_with_link,
        -- The older files leave the link blank where nothing was found and nothing
        -- was done: there the outcome says it.
        cast(
            sum(
                case
                    when
                        is_of_person
                        and (found_object_of_search is not null or not is_positive)
                        then 1
                    else 0
                end
            ) as integer
        ) as finds_known,
        cast(
            sum(
                case when is_of_person and found_object_of_search then 1 else 0 end
            ) as integer
        ) as finds
    from described
    group by
        month,
        force,
        borough_code,
        ethnic_group,
        officer_defined_ethnic_group,
        is_exact_repeat
)

select * from final
