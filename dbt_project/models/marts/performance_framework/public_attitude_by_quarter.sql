with survey as (
    select * from {{ ref('stg_mopac_public_attitude_survey') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

final as (
    select
        survey.quarter_end,
        borough_forces.borough_code,
        survey.borough,
        survey.measure,
        survey.proportion,
        survey.mps_proportion
    from survey
    left join borough_forces on survey.borough = borough_forces.borough
)

select * from final
