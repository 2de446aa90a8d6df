with lsoa_2011 as (
    select * from {{ ref('stg_lsoa_2011_to_borough') }}
),

lsoa_2021 as (
    select * from {{ ref('stg_lsoa_2021_to_borough') }}
),

lsoa_2011_wards as (
    select * from {{ ref('stg_lsoa_2011_to_ward_2019') }}
),

lsoa_overlaps as (
    select * from {{ ref('stg_lsoa_2011_to_lsoa_2021') }}
),

borough_forces as (
    select * from {{ ref('int_borough_forces') }}
),

-- The ward of a code new in 2021 is the ward of the 2011 LSOA that covers most of it.
ranked_overlaps as (
    select
        lsoa_overlaps.lsoa_2021_code,
        lsoa_2011_wards.ward_code,
        lsoa_2011_wards.ward,
        row_number() over (
            partition by lsoa_overlaps.lsoa_2021_code
            order by
                lsoa_overlaps.share_of_lsoa_2021_area desc,
                lsoa_overlaps.lsoa_2011_code asc
        ) as overlap_rank
    from lsoa_overlaps
    inner join lsoa_2011_wards
        on lsoa_overlaps.lsoa_2011_code = lsoa_2011_wards.lsoa_code
),

codes as (
    select lsoa_code from lsoa_2011
    union
    select lsoa_code from lsoa_2021
),

final as (
    select
        codes.lsoa_code,
        coalesce(lsoa_2021.lsoa_name, lsoa_2011.lsoa_name) as lsoa_name,
        case
            when lsoa_2021.lsoa_code is null then '2011 only'
            when lsoa_2011.lsoa_code is null then '2021 only'
            else 'both'
        end as lsoa_vintage,
        coalesce(lsoa_2021.msoa_code, lsoa_2011.msoa_code) as msoa_code,
        coalesce(lsoa_2021.msoa_name, lsoa_2011.msoa_name) as msoa_name,
        coalesce(lsoa_2011_wards.ward_code, ranked_overlaps.ward_code) as ward_code,
        coalesce(lsoa_2011_wards.ward, ranked_overlaps.ward) as ward,
        lsoa_2011_wards.ward_code is null
        and ranked_overlaps.ward_code is not null as is_ward_best_fit,
        coalesce(lsoa_2021.borough_code, lsoa_2011.borough_code) as borough_code,
        borough_forces.borough,
        borough_forces.force
    from codes
    left join lsoa_2011 on codes.lsoa_code = lsoa_2011.lsoa_code
    left join lsoa_2021 on codes.lsoa_code = lsoa_2021.lsoa_code
    left join lsoa_2011_wards on codes.lsoa_code = lsoa_2011_wards.lsoa_code
    left join ranked_overlaps
        on
            codes.lsoa_code = ranked_overlaps.lsoa_2021_code
            and ranked_overlaps.overlap_rank = 1
    left join borough_forces
        on
            coalesce(lsoa_2021.borough_code, lsoa_2011.borough_code)
            = borough_forces.borough_code
)

select * from final
