with answers as (
    select * from {{ ref('stg_victim_satisfaction_survey') }}
),

counted as (
    select
        cast(date_trunc('quarter', month) as date) as quarter_start,
        offence_group,
        coalesce(ethnic_group, 'Not stated') as ethnic_group,
        count(*) as answers,
        sum(weight) as weight,
        sum(weight * weight) as weight_squared,
        sum(case when satisfied >= 4 then weight else 0 end) as weight_satisfied,
        count(treated_fairly) as answers_on_fairness,
        sum(case when treated_fairly is not null then weight else 0 end)
            as weight_on_fairness,
        sum(case when treated_fairly is not null then weight * weight else 0 end)
            as weight_squared_on_fairness,
        sum(case when treated_fairly >= 4 then weight else 0 end)
            as weight_treated_fairly
    from answers
    group by
        cast(date_trunc('quarter', month) as date),
        offence_group,
        coalesce(ethnic_group, 'Not stated')
),

final as (
    select
        quarter_start,
        offence_group,
        ethnic_group,
        cast(answers as integer) as answers,
        weight,
        weight_squared,
        weight_satisfied / weight as share_satisfied,
        cast(answers_on_fairness as integer) as answers_on_fairness,
        weight_on_fairness,
        weight_squared_on_fairness,
        weight_treated_fairly
        / nullif(weight_on_fairness, 0) as share_treated_fairly
    from counted
)

select * from final
