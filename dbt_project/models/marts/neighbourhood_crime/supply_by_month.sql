{#- Months that a median is taken over, and the share of it below which a month is
    suspected. Both are ours: half catches dyfed-powys 2024-02 and leaves seasons be. -#}
{%- set months_compared = 12 -%}
{%- set least_share = 0.5 -%}

with received as (
    select * from {{ ref('int_rows_by_month') }}
),

street_code_list as (
    select * from {{ ref('code_list_police_uk_street') }}
),

outcomes_code_list as (
    select * from {{ ref('code_list_police_uk_outcomes') }}
),

searches_code_list as (
    select * from {{ ref('code_list_police_uk_stop_and_search') }}
),

-- Contracts name the months that a force is known to have supplied only in part.
declared as (
    select
        'police_uk_street' as data_set,
        value as force,
        label as reason,
        {{ month_from_text('valid_from') }} as first_month,
        {{ month_from_text('valid_to') }} as last_month
    from street_code_list
    where column_name = '__partial_supply__'
    union all
    select
        'police_uk_outcomes' as data_set,
        value as force,
        label as reason,
        {{ month_from_text('valid_from') }} as first_month,
        {{ month_from_text('valid_to') }} as last_month
    from outcomes_code_list
    where column_name = '__partial_supply__'
    union all
    select
        'police_uk_stop_and_search' as data_set,
        value as force,
        label as reason,
        {{ month_from_text('valid_from') }} as first_month,
        {{ month_from_text('valid_to') }} as last_month
    from searches_code_list
    where column_name = '__partial_supply__'
),

supplied_span as (
    select
        data_set,
        force,
        min(month) as first_month,
        max(month) as last_month
    from received
    group by data_set, force
),

spine as (
    {{ month_spine(
        'supplied_span', 'first_month', 'last_month', ['data_set', 'force']
    ) }}
),

declared_months as (
    select
        spine.data_set,
        spine.force,
        spine.month,
        min(declared.reason) as reason
    from spine
    inner join declared
        on
            spine.data_set = declared.data_set
            and spine.force = declared.force
            and spine.month >= coalesce(declared.first_month, spine.month)
            and spine.month <= coalesce(declared.last_month, spine.month)
    group by spine.data_set, spine.force, spine.month
),

months as (
    select
        spine.data_set,
        spine.force,
        spine.month,
        received.row_count,
        declared_months.month is not null as is_declared_partial,
        declared_months.reason,
        -- Months received whole before this one, as far as is declared.
        coalesce(
            sum(
                case
                    when
                        received.row_count > 0 and declared_months.month is null
                        then 1
                    else 0
                end
            ) over (
                partition by spine.data_set, spine.force
                order by spine.month
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as months_before
    from spine
    left join received
        on
            spine.data_set = received.data_set
            and spine.force = received.force
            and spine.month = received.month
    left join declared_months
        on
            spine.data_set = declared_months.data_set
            and spine.force = declared_months.force
            and spine.month = declared_months.month
),

medians as (
    select
        months.data_set,
        months.force,
        months.month,
        {{ median_of('earlier.row_count') }} as median_before
    from months
    inner join months as earlier
        on
            months.data_set = earlier.data_set
            and months.force = earlier.force
            and months.months_before > earlier.months_before
            and months.months_before <= earlier.months_before + {{ months_compared }}
    where
        earlier.row_count > 0
        and not earlier.is_declared_partial
    group by months.data_set, months.force, months.month
),

final as (
    select
        months.month,
        months.data_set,
        months.force,
        cast(coalesce(months.row_count, 0) as integer) as row_count,
        case
            when months.row_count is null then 'missing'
            when months.is_declared_partial then 'declared_partial'
            when
                months.row_count < {{ least_share }} * medians.median_before
                then 'suspected_partial'
            else 'supplied'
        end as supply,
        medians.median_before,
        months.reason
    from months
    left join medians
        on
            months.data_set = medians.data_set
            and months.force = medians.force
            and months.month = medians.month
)

select * from final
