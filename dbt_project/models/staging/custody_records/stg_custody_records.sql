with source as (
    select * from {{ source('raw', 'custody_records') }}
),

ethnicity_self_defined_codes as (
    select
        value,
        grouping
    from {{ ref('code_list_custody_records') }}
    where column_name = 'ethnicity_self_defined'
),

ethnicity_officer_defined_codes as (
    select
        value,
        grouping
    from {{ ref('code_list_custody_records') }}
    where column_name = 'ethnicity_officer_defined'
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.custody_number,
        source.nominal_id,
        source.crime_number,
        source.arrested_at,
        source.detention_authorised_at,
        source.released_at,
        source.disposal,
        source.age_at_arrest,
        source.ethnicity_officer_defined,
        source.ethnicity_self_defined,
        case
            when source.ethnicity_self_defined is null then 'Not stated'
            else coalesce(ethnicity_self_defined_codes.grouping, 'Unrecognised')
        end as ethnicity_self_defined_group,
        case
            when source.ethnicity_officer_defined is null then 'Not stated'
            else coalesce(ethnicity_officer_defined_codes.grouping, 'Unrecognised')
        end as ethnicity_officer_defined_group,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    left join ethnicity_self_defined_codes
        on source.ethnicity_self_defined = ethnicity_self_defined_codes.value
    left join ethnicity_officer_defined_codes
        on source.ethnicity_officer_defined = ethnicity_officer_defined_codes.value
)

select * from final
