with deprivation_2019 as (
    select * from {{ ref('stg_deprivation_2019') }}
),

deprivation_2025 as (
    select * from {{ ref('stg_deprivation_2025') }}
),

final as (
    select
        lsoa_code,
        2019 as index_year,
        2011 as lsoa_year,
        lsoa_name,
        borough_code,
        borough,
        imd_score,
        imd_rank,
        imd_decile,
        income_score,
        income_rank,
        income_decile,
        employment_score,
        employment_rank,
        employment_decile,
        education_skills_training_score,
        education_skills_training_rank,
        education_skills_training_decile,
        health_disability_score,
        health_disability_rank,
        health_disability_decile,
        crime_score,
        crime_rank,
        crime_decile,
        barriers_housing_services_score,
        barriers_housing_services_rank,
        barriers_housing_services_decile,
        living_environment_score,
        living_environment_rank,
        living_environment_decile
    from deprivation_2019
    union all
    select
        lsoa_code,
        2025 as index_year,
        2021 as lsoa_year,
        lsoa_name,
        borough_code,
        borough,
        cast(null as double) as imd_score,
        imd_rank,
        -- The domains of 2025 are not in the file held.
        imd_decile,
        cast(null as double) as income_score,
        cast(null as integer) as income_rank,
        cast(null as integer) as income_decile,
        cast(null as double) as employment_score,
        cast(null as integer) as employment_rank,
        cast(null as integer) as employment_decile,
        cast(null as double) as education_skills_training_score,
        cast(null as integer) as education_skills_training_rank,
        cast(null as integer) as education_skills_training_decile,
        cast(null as double) as health_disability_score,
        cast(null as integer) as health_disability_rank,
        cast(null as integer) as health_disability_decile,
        cast(null as double) as crime_score,
        cast(null as integer) as crime_rank,
        cast(null as integer) as crime_decile,
        cast(null as double) as barriers_housing_services_score,
        cast(null as integer) as barriers_housing_services_rank,
        cast(null as integer) as barriers_housing_services_decile,
        cast(null as double) as living_environment_score,
        cast(null as integer) as living_environment_rank,
        cast(null as integer) as living_environment_decile
    from deprivation_2025
)

select * from final
