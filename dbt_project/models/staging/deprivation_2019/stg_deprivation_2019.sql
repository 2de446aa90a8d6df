with source as (
    select * from {{ source('raw', 'deprivation_2019') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        borough_code,
        borough,
        imd_score,
        cast(imd_rank as integer) as imd_rank,
        cast(imd_decile as integer) as imd_decile,
        income_score,
        cast(income_rank as integer) as income_rank,
        cast(income_decile as integer) as income_decile,
        employment_score,
        cast(employment_rank as integer) as employment_rank,
        cast(employment_decile as integer) as employment_decile,
        education_skills_training_score,
        cast(education_skills_training_rank as integer)
            as education_skills_training_rank,
        cast(education_skills_training_decile as integer)
            as education_skills_training_decile,
        health_disability_score,
        cast(health_disability_rank as integer) as health_disability_rank,
        cast(health_disability_decile as integer) as health_disability_decile,
        crime_score,
        cast(crime_rank as integer) as crime_rank,
        cast(crime_decile as integer) as crime_decile,
        barriers_housing_services_score,
        cast(barriers_housing_services_rank as integer)
            as barriers_housing_services_rank,
        cast(barriers_housing_services_decile as integer)
            as barriers_housing_services_decile,
        living_environment_score,
        cast(living_environment_rank as integer) as living_environment_rank,
        cast(living_environment_decile as integer) as living_environment_decile,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
