with source as (
    select * from {{ source('raw', 'stop_and_search_records') }}
),

ethnicity_self_defined_codes as (
    select
        value,
        grouping
    from {{ ref('code_list_stop_and_search_records') }}
    where column_name = 'ethnicity_self_defined'
),

ethnicity_officer_defined_codes as (
    select
        value,
        grouping
    from {{ ref('code_list_stop_and_search_records') }}
    where column_name = 'ethnicity_officer_defined'
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.search_number,
        source.nominal_id,
        source.searched_at,
        source.officer_id,
        source.age,
        source.sex,
        source.ethnicity_officer_defined,
        source.ethnicity_self_defined,
        source.legislation,
        source.object_of_search,
        source.outcome,
        source.outcome_linked_to_object,
        source.lsoa_code,
        source.borough_code,
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
