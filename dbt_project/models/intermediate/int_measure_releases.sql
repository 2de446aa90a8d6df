-- noqa: disable=all
-- Generated from edp_platform/defs/*/measures. Do not edit: change a measure and run `edp generate`.
with

final as (
    select
        'mps_lsoa_burglary' as supply,
        max(release_date) as release_date
    from {{ ref('stg_mps_lsoa_burglary') }}
)

select * from final
