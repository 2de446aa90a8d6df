{% set coded = [
    'search_type',
    'gender',
    'age_range',
    'self_defined_ethnicity',
    'officer_defined_ethnicity',
    'legislation',
    'object_of_search',
    'outcome'
] %}

with source as (
    select * from {{ source('raw', 'police_uk_stop_and_search') }}
),

{% for column in coded %}
{{ column }}_codes as (
    select
        value,
        label,
        grouping
    from {{ ref('code_list_police_uk_stop_and_search') }}
    where column_name = '{{ column }}'
),
{% endfor %}

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.force,
        source.searched_at,
        -- Published in UTC: in summer the first hour of a month carries the last
        -- evening of the month before. Local time decides the day.
        {{ local_time('source.searched_at') }} as searched_at_local,
        source.part_of_policing_operation as is_part_of_policing_operation,
        source.policing_operation,
        source.longitude,
        source.latitude,
        source.longitude is not null
        and source.latitude is not null as has_coordinates,
        source.borough_code,
        {% for column in coded %}
        coalesce({{ column }}_codes.label, source.{{ column }}) as {{ column }},
        source.{{ column }} is not null
        and {{ column }}_codes.label is null as is_unrecognised_{{ column }},
        {% endfor %}
        self_defined_ethnicity_codes.grouping as self_defined_ethnicity_5_plus_1,
        source.outcome_linked_to_object as found_object_of_search,
        source.removed_more_than_outer_clothing as is_more_than_outer_clothing_removed,
        source.is_exact_repeat,
        source.release_date,
        source.source_file,
        source.source_line
    from source
    {% for column in coded %}
    left join {{ column }}_codes
        on source.{{ column }} = {{ column }}_codes.value
    {% endfor %}
)

select * from final
