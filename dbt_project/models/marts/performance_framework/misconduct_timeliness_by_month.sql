with cases as (
    select * from {{ ref('stg_misconduct_cases') }}
),

opened as (
    select
        {{ month_of('opened_on') }} as month,
        severity,
        count(*) as cases_opened
    from cases
    group by {{ month_of('opened_on') }}, severity
),

closed as (
    select
        {{ month_of('closed_on') }} as month,
        severity,
        count(*) as cases_closed,
        sum(
            case when closed_on <= opened_on + interval 12 month then 1 else 0 end
        ) as closed_in_12_months,
        avg({{ days_between('opened_on', 'closed_on') }}) as mean_days_to_close
    from cases
    where closed_on is not null
    group by {{ month_of('closed_on') }}, severity
),

months as (
    select
        month,
        severity
    from opened
    union
    select
        month,
        severity
    from closed
),

final as (
    select
        months.month,
        months.severity,
        cast(coalesce(opened.cases_opened, 0) as integer) as cases_opened,
        cast(coalesce(closed.cases_closed, 0) as integer) as cases_closed,
        cast(coalesce(closed.closed_in_12_months, 0) as integer)
            as closed_in_12_months,
        closed.mean_days_to_close
    from months
    left join opened
        on months.month = opened.month and months.severity = opened.severity
    left join closed
        on months.month = closed.month and months.severity = closed.severity
)

select * from final
