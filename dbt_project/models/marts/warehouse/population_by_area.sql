{% set sexes = {'persons': 'all', 'females': 'female', 'males': 'male'} %}
{% set age_bands = {
    'all_ages': 'all',
    '0_15': '0-15',
    '16_29': '16-29',
    '30_44': '30-44',
    '45_64': '45-64',
    '65_plus': '65+'
} %}
{% set areas = [
    ('lsoa', 'lsoa_code', 'lsoa_name'),
    ('ward', 'ward_code', 'ward'),
    ('borough', 'borough_code', 'borough')
] %}

with population as (
    select * from {{ ref('stg_population_mid_2020') }}
),

geography as (
    select * from {{ ref('int_geography') }}
),

-- Wards are those of 2019, to which 2011 LSOAs are a best fit.
placed as (
    select
        population.*,
        geography.ward_code,
        geography.ward
    from population
    left join geography on population.lsoa_code = geography.lsoa_code
),

areas as (
    {% for area_type, code, name in areas %}
    select
        '{{ area_type }}' as area_type,
        {{ code }} as area_code,
        {% for sex in sexes %}
        {% for age_band in age_bands %}
        sum({{ sex }}_{{ age_band }}) as {{ sex }}_{{ age_band }},
        {% endfor %}
        {% endfor %}
        min({{ name }}) as area
    from placed
    where {{ code }} is not null
    group by {{ code }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

final as (
    {% for sex, sex_label in sexes.items() %}
    {% set is_last_sex = loop.last %}
    {% for age_band, age_label in age_bands.items() %}
    select
        area_type,
        area_code,
        area,
        2020 as population_year,
        '{{ sex_label }}' as sex,
        '{{ age_label }}' as age_band,
        cast({{ sex }}_{{ age_band }} as integer) as people
    from areas
    {% if not (is_last_sex and loop.last) %}
    union all
    {% endif %}
    {% endfor %}
    {% endfor %}
)

select * from final
