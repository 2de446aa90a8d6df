{{ config(materialized='incremental', incremental_strategy='by_month') }}

{#- One row an area and month, a column a group: the groups of `ranking.yaml`, which
    leave out what police activity generates. -#}
with crimes as (
    select
        month,
        force,
        lsoa_code,
        crime_type
    from {{ ref('fct_crimes') }}
    where
        {{ month_dates_in_scope('month') }}
        and lsoa_code is not null
),

counted as (
    select
        month,
        force,
        lsoa_code,
        count(*) as crimes,
        sum(
            case
                when
                    crime_type in (
                        'Burglary', 'Robbery', 'Theft from the person', 'Vehicle crime'
                    )
                    then 1
                else 0
            end
        ) as neighbourhood_crime,
        sum(case when crime_type = 'Anti-social behaviour' then 1 else 0 end)
            as anti_social_behaviour,
        sum(case when crime_type = 'Violence and sexual offences' then 1 else 0 end)
            as violence_and_sexual_offences
    from crimes
    group by month, force, lsoa_code
),

final as (
    select
        month,
        force,
        lsoa_code,
        cast(crimes as integer) as crimes,
        cast(neighbourhood_crime as integer) as neighbourhood_crime,
        cast(anti_social_behaviour as integer) as anti_social_behaviour,
        cast(violence_and_sexual_offences as integer) as violence_and_sexual_offences
    from counted
)

select * from final
