with source as (
    select * from {{ source('raw', 'population_mid_2020') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        msoa_code,
        msoa_name,
        borough_code,
        borough,
        persons_all_ages,
        persons_0_15,
        persons_16_29,
        persons_30_44,
        persons_45_64,
        persons_65_plus,
        males_all_ages,
        males_0_15,
        males_16_29,
        males_30_44,
        males_45_64,
        males_65_plus,
        females_all_ages,
        females_0_15,
        females_16_29,
        females_30_44,
        females_45_64,
        females_65_plus,
        release_date,
        source_file,
        source_line
    from source
)

select * from final
