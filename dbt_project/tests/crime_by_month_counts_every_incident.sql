{{ config(severity='error') }}

-- Every incident of the months built is in the mart once, whatever joins came between.
with facts as (
    select
        month,
        force,
        count(*) as incidents
    from {{ ref('fct_crimes') }}
    where {{ month_dates_in_scope('month') }}
    group by month, force
),

mart as (
    select
        month,
        force,
        sum(crimes) as incidents
    from {{ ref('crime_by_month') }}
    where {{ month_dates_in_scope('month') }}
    group by month, force
),

final as (
    select
        coalesce(facts.month, mart.month) as month,
        coalesce(facts.force, mart.force) as force,
        facts.incidents as incidents_of_facts,
        mart.incidents as incidents_of_mart
    from facts
    full outer join mart
        on
            facts.month = mart.month
            and facts.force = mart.force
    where coalesce(facts.incidents, 0) <> coalesce(mart.incidents, 0)
)

select * from final
