with source as (
    select * from {{ source('raw', 'nominals') }}
),

final as (
    select
        {{ month_from_text('source.month') }} as month,
        source.month as month_text,
        source.nominal_id,
        source.pnc_id,
        source.first_name,
        source.middle_names,
        source.surname,
        source.date_of_birth,
        source.sex,
        source.ethnicity_officer_defined,
        source.ethnicity_self_defined,
        source.address_line,
        source.postcode,
        source.phone,
        source.email,
        source.recorded_on,
        source.release_date,
        source.source_file,
        source.source_line
    from source
)

select * from final
