with nominals as (
    select * from {{ ref('stg_nominals') }}
),

reports as (
    select * from {{ ref('stg_crime_reports') }}
),

links as (
    select * from {{ ref('stg_crime_report_persons') }}
),

orphans as (
    select * from {{ ref('int_orphan_records') }}
),

held as (
    select
        month,
        count(*) as records
    from nominals
    group by month
),

links_held as (
    select
        month,
        count(*) as records
    from links
    group by month
),

orphans_counted as (
    select
        month,
        orphan,
        count(*) as failing
    from orphans
    group by month, orphan
),

final as (
    select
        month,
        'nominals' as data_set,
        'completeness' as dimension,
        'date of birth missing' as measure,
        cast(count(*) as integer) as records,
        cast(sum(case when date_of_birth is null then 1 else 0 end) as integer)
            as failing
    from nominals
    group by month
    union all
    select
        month,
        'nominals' as data_set,
        'completeness' as dimension,
        'self-defined ethnicity missing' as measure,
        cast(count(*) as integer) as records,
        cast(
            sum(case when ethnicity_self_defined is null then 1 else 0 end) as integer
        ) as failing
    from nominals
    group by month
    union all
    select
        month,
        'nominals' as data_set,
        'accuracy' as dimension,
        'under 10 when recorded' as measure,
        cast(count(*) as integer) as records,
        cast(
            sum(
                case
                    when date_of_birth > recorded_on - interval 10 year then 1
                    else 0
                end
            ) as integer
        ) as failing
    from nominals
    group by month
    union all
    select
        month,
        'crime_reports' as data_set,
        'completeness' as dimension,
        'retention group missing' as measure,
        cast(count(*) as integer) as records,
        cast(sum(case when mopi_group is null then 1 else 0 end) as integer)
            as failing
    from reports
    group by month
    union all
    select
        month,
        'crime_reports' as data_set,
        'completeness' as dimension,
        'environment missing' as measure,
        cast(count(*) as integer) as records,
        cast(sum(case when environment is null then 1 else 0 end) as integer)
            as failing
    from reports
    group by month
    union all
    select
        held.month,
        'nominals' as data_set,
        'integrity' as dimension,
        'person without link' as measure,
        cast(held.records as integer) as records,
        cast(coalesce(orphans_counted.failing, 0) as integer) as failing
    from held
    left join orphans_counted
        on
            held.month = orphans_counted.month
            and orphans_counted.orphan = 'person without link'
    union all
    select
        links_held.month,
        'crime_report_persons' as data_set,
        'integrity' as dimension,
        'link without person' as measure,
        cast(links_held.records as integer) as records,
        cast(coalesce(orphans_counted.failing, 0) as integer) as failing
    from links_held
    left join orphans_counted
        on
            links_held.month = orphans_counted.month
            and orphans_counted.orphan = 'link without person'
    union all
    select
        links_held.month,
        'crime_report_persons' as data_set,
        'integrity' as dimension,
        'link without report' as measure,
        cast(links_held.records as integer) as records,
        cast(coalesce(orphans_counted.failing, 0) as integer) as failing
    from links_held
    left join orphans_counted
        on
            links_held.month = orphans_counted.month
            and orphans_counted.orphan = 'link without report'
)

select * from final
