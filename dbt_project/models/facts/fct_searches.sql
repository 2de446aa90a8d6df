with searches as (
    select * from {{ ref('stg_police_uk_stop_and_search') }}
    where {{ months_in_scope('month_text') }}
),

final as (
    select
        month,
        month_text,
        force,
        searched_at,
        cast(searched_at_local as date) as local_date,
        cast(extract(hour from searched_at_local) as integer) as local_hour,
        {{ day_of_week('cast(searched_at_local as date)') }} as local_day_of_week,
        search_type,
        is_part_of_policing_operation,
        coalesce(gender, 'Not stated') as gender,
        coalesce(age_range, 'Not stated') as age_range,
        coalesce(self_defined_ethnicity, 'Not stated') as self_defined_ethnicity,
        case
            when is_unrecognised_self_defined_ethnicity then 'Unrecognised'
            else coalesce(self_defined_ethnicity_5_plus_1, 'Not stated')
        end as self_defined_ethnicity_5_plus_1,
        coalesce(officer_defined_ethnicity, 'Not stated') as officer_defined_ethnicity,
        coalesce(legislation, 'Not stated') as legislation,
        coalesce(object_of_search, 'Not stated') as object_of_search,
        coalesce(outcome, 'Not stated') as outcome,
        is_unrecognised_search_type
        or is_unrecognised_gender
        or is_unrecognised_age_range
        or is_unrecognised_self_defined_ethnicity
        or is_unrecognised_officer_defined_ethnicity
        or is_unrecognised_legislation
        or is_unrecognised_object_of_search
        or is_unrecognised_outcome as has_unrecognised_label,
        found_object_of_search,
        is_more_than_outer_clothing_removed,
        has_coordinates,
        -- Ingestion wrote the code from the coordinates.
        case
            when borough_code is not null then borough_code
            when has_coordinates then 'elsewhere'
            else 'no-coordinates'
        end as borough_code,
        is_exact_repeat,
        source_file,
        source_line
    from searches
)

select * from final
