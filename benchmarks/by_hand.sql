-- The facts and marts of the platform, as one script would build them: no incremental
-- runs, no tests, no layers that these tables do not need. Reads the monthly Parquet by
-- paths relative to the raw folder; `labels` holds the code lists.

create schema facts;
create schema marts;

-- Places -------------------------------------------------------------------------------

create temp table boroughs as
with held as (
    select borough_code, borough from 'lsoa_2021_to_borough/part-0.parquet'
    union
    select borough_code, borough from 'lsoa_2011_to_borough/part-0.parquet'
    where borough_code not in (
        select borough_code from 'lsoa_2021_to_borough/part-0.parquet'
    )
)
select
    *,
    case
        when borough_code = 'E09000001' then 'city-of-london'
        when borough_code = 'E09000901' then 'sample-city'
        when borough_code like 'E090009%' then 'sample-force'
        when borough_code like 'E09%' then 'metropolitan'
    end as force
from held;

create table marts.lsoa_lookup as
with
best_ward as (
    select
        lsoa_2021_code as lsoa_code,
        arg_min(
            {code: ward_code, name: ward}, row(-share_of_lsoa_2021_area, lsoa_2011_code)
        ) as best
    from 'lsoa_2011_to_lsoa_2021/part-0.parquet' as overlapping
    inner join 'lsoa_2011_to_ward_2019/part-0.parquet' as placed
        on lsoa_2011_code = placed.lsoa_code
    group by all
)
select
    lsoa_code,
    coalesce(later.lsoa_name, earlier.lsoa_name) as lsoa_name,
    case
        when later.lsoa_name is null then '2011 only'
        when earlier.lsoa_name is null then '2021 only'
        else 'both'
    end as lsoa_vintage,
    coalesce(later.msoa_code, earlier.msoa_code) as msoa_code,
    coalesce(later.msoa_name, earlier.msoa_name) as msoa_name,
    coalesce(wards.ward_code, best.code) as ward_code,
    coalesce(wards.ward, best.name) as ward,
    wards.ward_code is null and best is not null as is_ward_best_fit,
    coalesce(later.borough_code, earlier.borough_code) as borough_code,
    boroughs.borough,
    boroughs.force
from 'lsoa_2011_to_borough/part-0.parquet' as earlier
full join 'lsoa_2021_to_borough/part-0.parquet' as later using (lsoa_code)
left join 'lsoa_2011_to_ward_2019/part-0.parquet' as wards using (lsoa_code)
left join best_ward using (lsoa_code)
left join boroughs
    on boroughs.borough_code = coalesce(later.borough_code, earlier.borough_code);

-- Facts --------------------------------------------------------------------------------

create table facts.fct_crimes as
with
types as (
    select * from labels
    where data_set = 'police_uk_street' and column_name = 'crime_type'
),
last_outcomes as (
    select * from labels
    where data_set = 'police_uk_street' and column_name = 'last_outcome_category'
)
select
    strptime(crimes.month, '%Y-%m')::date as month,
    crimes.month as month_text,
    crimes.force,
    coalesce(types.label, crime_type) as crime_type,
    crime_type is not null and types.label is null as is_unrecognised_crime_type,
    ('0x' || crime_id[1:15])::bigint as crime_key,
    longitude,
    latitude,
    longitude is not null
    and latitude is not null
    and lower(coalesce(location, '')) <> 'no location' as is_located,
    coalesce(
        lower(location) <> 'no location'
        and trim(replace(location, 'On or near ', '')) <> '',
        false
    ) as has_named_street,
    crimes.lsoa_code,
    case
        when crimes.lsoa_code is null then 'no-lsoa' else coalesce(ward_code, 'elsewhere')
    end as ward_code,
    coalesce(is_ward_best_fit, false) as is_ward_best_fit,
    case
        when crimes.lsoa_code is null then 'no-lsoa'
        else coalesce(borough_code, 'elsewhere')
    end as borough_code,
    coalesce(last_outcomes.label, last_outcome_category) as last_outcome,
    last_outcomes.grouping as last_outcome_group,
    case
        when
            crimes.lsoa_code is not null
            and crimes.force in (select force from boroughs where force is not null)
            then coalesce(places.force <> crimes.force, true)
    end as is_outside_force_area,
    is_exact_repeat,
    shares_identifier,
    source_file,
    source_line
from read_parquet(
    'police_uk_street/*/*.parquet',
    hive_partitioning = true,
    hive_types = {'month': varchar}
) as crimes
left join types on crime_type = types.value
left join last_outcomes on last_outcome_category = last_outcomes.value
left join marts.lsoa_lookup as places on crimes.lsoa_code = places.lsoa_code;

create table facts.fct_outcomes as
with
types as (
    select * from labels
    where data_set = 'police_uk_outcomes' and column_name = 'outcome_type'
),
matched as (
    select crime_key, min(month_text || crime_type) as first_crime
    from facts.fct_crimes
    where crime_key in (
        select ('0x' || crime_id[1:15])::bigint
        from read_parquet('police_uk_outcomes/*/*.parquet')
    )
    group by crime_key
),
matches as (
    select
        crime_key,
        (first_crime[1:7] || '-01')::date as crime_month,
        first_crime[8:] as crime_type
    from matched
)
select
    strptime(outcomes.month, '%Y-%m')::date as month,
    outcomes.month as month_text,
    outcomes.force,
    coalesce(types.label, outcome_type) as outcome,
    coalesce(types.grouping, 'not grouped') as outcome_group,
    outcome_type is not null and types.label is null as is_unrecognised_outcome,
    ('0x' || crime_id[1:15])::bigint as crime_key,
    crime_month is not null as is_matched,
    crime_month,
    crime_type,
    (
        (year(strptime(outcomes.month, '%Y-%m')) - year(crime_month)) * 12
        + month(strptime(outcomes.month, '%Y-%m')) - month(crime_month)
    )::integer as months_to_outcome,
    longitude is not null
    and latitude is not null
    and lower(coalesce(location, '')) <> 'no location' as is_located,
    outcomes.lsoa_code,
    case
        when outcomes.lsoa_code is null then 'no-lsoa'
        else coalesce(borough_code, 'elsewhere')
    end as borough_code,
    is_exact_repeat,
    shares_identifier,
    source_file,
    source_line
from read_parquet(
    'police_uk_outcomes/*/*.parquet',
    hive_partitioning = true,
    hive_types = {'month': varchar}
) as outcomes
left join types on outcome_type = types.value
left join matches on ('0x' || crime_id[1:15])::bigint = crime_key
left join marts.lsoa_lookup as places on outcomes.lsoa_code = places.lsoa_code;

create macro labelled(name) as table
select value, label, grouping from labels
where data_set = 'police_uk_stop_and_search' and column_name = name;

create table facts.fct_searches as
with searches as (
    select *, timezone('Europe/London', searched_at) as local_time
    from read_parquet(
        'police_uk_stop_and_search/*/*.parquet',
        hive_partitioning = true,
        hive_types = {'month': varchar}
    )
)
select
    strptime(searches.month, '%Y-%m')::date as month,
    searches.month as month_text,
    force,
    searched_at,
    local_time::date as local_date,
    hour(local_time)::integer as local_hour,
    isodow(local_time)::integer as local_day_of_week,
    coalesce(kind.label, search_type) as search_type,
    part_of_policing_operation as is_part_of_policing_operation,
    coalesce(sex.label, gender, 'Not stated') as gender,
    coalesce(age.label, age_range, 'Not stated') as age_range,
    coalesce(own.label, self_defined_ethnicity, 'Not stated') as self_defined_ethnicity,
    case
        when self_defined_ethnicity is not null and own.label is null
            then 'Unrecognised'
        else coalesce(own.grouping, 'Not stated')
    end as self_defined_ethnicity_5_plus_1,
    coalesce(seen.label, officer_defined_ethnicity, 'Not stated')
        as officer_defined_ethnicity,
    coalesce(law.label, legislation, 'Not stated') as legislation,
    coalesce(object.label, object_of_search, 'Not stated') as object_of_search,
    coalesce(ending.label, outcome, 'Not stated') as outcome,
    search_type is not null and kind.label is null
    or gender is not null and sex.label is null
    or age_range is not null and age.label is null
    or self_defined_ethnicity is not null and own.label is null
    or officer_defined_ethnicity is not null and seen.label is null
    or legislation is not null and law.label is null
    or object_of_search is not null and object.label is null
    or outcome is not null and ending.label is null as has_unrecognised_label,
    outcome_linked_to_object as found_object_of_search,
    removed_more_than_outer_clothing as is_more_than_outer_clothing_removed,
    longitude is not null and latitude is not null as has_coordinates,
    case
        when borough_code is not null then borough_code
        when longitude is not null and latitude is not null then 'elsewhere'
        else 'no-coordinates'
    end as borough_code,
    is_exact_repeat,
    source_file,
    source_line
from searches
left join labelled('search_type') as kind on search_type = kind.value
left join labelled('gender') as sex on gender = sex.value
left join labelled('age_range') as age on age_range = age.value
left join labelled('self_defined_ethnicity') as own on self_defined_ethnicity = own.value
left join labelled('officer_defined_ethnicity') as seen
    on officer_defined_ethnicity = seen.value
left join labelled('legislation') as law on legislation = law.value
left join labelled('object_of_search') as object on object_of_search = object.value
left join labelled('outcome') as ending on outcome = ending.value;

create table facts.fct_recorded_crime_borough as
select
    strptime(cells.month, '%Y-%m')::date as month,
    cells.month as month_text,
    coalesce(groups.label, offence_group) as offence_group,
    upper(offence[1]) || lower(offence[2:]) as offence,
    offence_group as offence_group_received,
    offence as offence_received,
    coalesce(names.label, borough) as borough,
    names.grouping is distinct from 'not a borough' as is_borough,
    coalesce(groups.grouping, '') not like 'not comparable%' as is_comparable,
    crimes,
    release_date,
    source_file,
    source_line
from read_parquet(
    'mps_borough_crime/*/*.parquet',
    hive_partitioning = true,
    hive_types = {'month': varchar}
) as cells
left join labels as groups
    on
        groups.data_set = 'mps_borough_crime'
        and groups.column_name = 'offence_group'
        and offence_group = groups.value
left join labels as names
    on
        names.data_set = 'mps_borough_crime'
        and names.column_name = 'borough'
        and borough = names.value;

create table facts.fct_recorded_crime_ward as
select
    strptime(cells.month, '%Y-%m')::date as month,
    cells.month as month_text,
    coalesce(groups.label, offence_group) as offence_group,
    upper(offence[1]) || lower(offence[2:]) as offence,
    offence_group as offence_group_received,
    offence as offence_received,
    ward_code,
    ward,
    coalesce(names.label, borough) as borough,
    names.grouping is distinct from 'not a borough' as is_borough,
    coalesce(groups.grouping, '') not like 'not comparable%' as is_comparable,
    crimes,
    release_date,
    source_file,
    source_line
from read_parquet(
    'mps_ward_crime/*/*.parquet',
    hive_partitioning = true,
    hive_types = {'month': varchar}
) as cells
left join labels as groups
    on
        groups.data_set = 'mps_ward_crime'
        and groups.column_name = 'offence_group'
        and offence_group = groups.value
left join labels as names
    on
        names.data_set = 'mps_ward_crime'
        and names.column_name = 'borough'
        and borough = names.value;

-- Which months of a force are whole ----------------------------------------------------

create table marts.quality_flags_by_month as
select
    month,
    'police_uk_street' as data_set,
    force,
    count(*) as row_count,
    count(*) filter (is_exact_repeat) as exact_repeats_kept,
    count(*) filter (shares_identifier) as rows_sharing_identifier,
    count(*) filter (is_unrecognised_crime_type) as rows_with_unrecognised_label,
    count(*) filter (not is_located) as rows_without_place
from facts.fct_crimes
group by all
union all
select
    month,
    'police_uk_outcomes',
    force,
    count(*),
    count(*) filter (is_exact_repeat),
    count(*) filter (shares_identifier),
    count(*) filter (is_unrecognised_outcome),
    count(*) filter (not is_located)
from facts.fct_outcomes
group by all
union all
select
    month,
    'police_uk_stop_and_search',
    force,
    count(*),
    count(*) filter (is_exact_repeat),
    0,
    count(*) filter (has_unrecognised_label),
    count(*) filter (not has_coordinates)
from facts.fct_searches
group by all;

create table marts.supply_by_month as
with
received as (select * from marts.quality_flags_by_month),
spine as (
    select
        data_set,
        force,
        unnest(generate_series(min(month), max(month), interval 1 month))::date as month
    from received
    group by data_set, force
),
declared as (
    select
        spine.data_set,
        spine.force,
        spine.month,
        min(label) as reason
    from spine
    inner join labels
        on
            labels.data_set = spine.data_set
            and column_name = '__partial_supply__'
            and value = spine.force
            and spine.month >= coalesce((valid_from || '-01')::date, spine.month)
            and spine.month <= coalesce((valid_to || '-01')::date, spine.month)
    group by all
),
months as (
    select
        spine.*,
        row_count,
        declared.month is not null as is_declared,
        reason,
        coalesce(
            count(*) filter (row_count > 0 and declared.month is null) over (
                partition by data_set, force
                order by month
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as whole_before
    from spine
    left join received using (data_set, force, month)
    left join declared using (data_set, force, month)
),
medians as (
    select now.data_set, now.force, now.month, median(past.row_count) as median_before
    from months as now
    inner join months as past
        on
            now.data_set = past.data_set
            and now.force = past.force
            and past.whole_before < now.whole_before
            and past.whole_before >= now.whole_before - 12
    where past.row_count > 0 and not past.is_declared
    group by all
)
select
    month,
    data_set,
    force,
    coalesce(row_count, 0)::integer as row_count,
    case
        when row_count is null then 'missing'
        when is_declared then 'declared_partial'
        when row_count < 0.5 * median_before then 'suspected_partial'
        else 'supplied'
    end as supply,
    median_before,
    reason
from months
left join medians using (data_set, force, month);

-- Crime --------------------------------------------------------------------------------

create table marts.crime_by_borough_and_month as
with counted as (
    select
        month,
        force,
        borough_code,
        crime_type,
        count(*) as crimes,
        count(*) - count(crime_key) as without_identifier,
        count(*) filter (shares_identifier) as sharing,
        count(*) filter (not is_located) as not_located,
        count(*) filter (is_outside_force_area) as outside
    from facts.fct_crimes
    group by all
)
select
    month,
    counted.force,
    counted.borough_code,
    case counted.borough_code
        when 'no-lsoa' then 'No LSOA published'
        when 'elsewhere' then 'Outside the areas held'
        else borough
    end as borough,
    crime_type,
    crimes::integer as crimes,
    without_identifier::integer as crimes_without_identifier,
    sharing::integer as crimes_sharing_identifier,
    not_located::integer as crimes_not_located,
    outside::integer as crimes_outside_force_area
from counted
left join boroughs on counted.borough_code = boroughs.borough_code;

create table marts.crime_by_month as
select
    counted.month,
    counted.force,
    crime_type,
    sum(crimes)::integer as crimes,
    sum(crimes_without_identifier)::integer as crimes_without_identifier,
    sum(crimes_sharing_identifier)::integer as crimes_sharing_identifier,
    sum(crimes_not_located)::integer as crimes_not_located,
    sum(crimes_outside_force_area)::integer as crimes_outside_force_area,
    supply
from marts.crime_by_borough_and_month as counted
left join marts.supply_by_month as supplied
    on
        counted.month = supplied.month
        and counted.force = supplied.force
        and supplied.data_set = 'police_uk_street'
group by all;

create table marts.crime_by_ward_and_month as
with
counted as (
    select
        month,
        force,
        ward_code,
        crime_type,
        count(*) as crimes,
        count(*) filter (is_ward_best_fit) as best_fit
    from facts.fct_crimes
    group by all
),
wards as (
    select
        ward_code,
        min(ward) as ward,
        min(borough_code) as borough_code,
        min(borough) as borough
    from marts.lsoa_lookup
    group by all
)
select
    month,
    force,
    counted.ward_code,
    case counted.ward_code
        when 'no-lsoa' then 'No LSOA published'
        when 'elsewhere' then 'Outside the areas held'
        else ward
    end as ward,
    borough_code,
    borough,
    crime_type,
    crimes::integer as crimes,
    best_fit::integer as crimes_placed_by_best_fit
from counted
left join wards on counted.ward_code = wards.ward_code;

create table marts.crime_outcomes_over_time as
select
    crime_month,
    force,
    crime_type,
    outcome_group,
    months_to_outcome,
    month,
    count(*)::integer as outcomes
from facts.fct_outcomes
where is_matched
group by all;

create table marts.outcomes_by_month as
select
    month,
    force,
    outcome,
    outcome_group,
    count(*)::integer as outcomes,
    count(*) filter (crime_month = month)::integer as matched_same_month,
    count(*) filter (crime_month < month)::integer as matched_earlier_month,
    count(*) filter (crime_month > month)::integer as matched_later_month,
    count(*) filter (not is_matched)::integer as unmatched
from facts.fct_outcomes
group by all;

create table marts.recorded_crime_by_borough_and_month as
with
pairs as (
    select
        borough,
        offence_group,
        offence,
        min(is_borough) as is_borough,
        min(is_comparable) as is_comparable
    from facts.fct_recorded_crime_borough
    group by all
),
months as (
    select month, max(release_date) as release_date
    from facts.fct_recorded_crime_borough
    group by all
),
counted as (
    select month, borough, offence_group, offence, sum(crimes) as crimes
    from facts.fct_recorded_crime_borough
    group by all
)
select
    month,
    borough_code,
    borough,
    offence_group,
    offence,
    coalesce(crimes, 0)::integer as crimes,
    crimes is null as is_absent_zero,
    is_borough,
    is_comparable,
    release_date
from pairs
cross join months
left join counted using (month, borough, offence_group, offence)
left join boroughs using (borough);

create table marts.recorded_crime_by_ward_and_month as
with
pairs as (
    select
        ward_code,
        borough,
        offence_group,
        offence,
        max(ward) as ward,
        min(is_borough) as is_borough,
        min(is_comparable) as is_comparable
    from facts.fct_recorded_crime_ward
    group by ward_code, borough, offence_group, offence
),
months as (
    select month, max(release_date) as release_date
    from facts.fct_recorded_crime_ward
    group by all
),
counted as (
    select month, ward_code, borough, offence_group, offence, sum(crimes) as crimes
    from facts.fct_recorded_crime_ward
    group by all
)
select
    month,
    ward_code,
    ward,
    borough_code,
    borough,
    offence_group,
    offence,
    coalesce(crimes, 0)::integer as crimes,
    crimes is null as is_absent_zero,
    is_borough,
    is_comparable,
    release_date
from pairs
cross join months
left join counted using (month, ward_code, borough, offence_group, offence)
left join boroughs using (borough);

create table marts.burglary_by_lsoa_and_year as
select
    lsoa_code,
    lsoa_name,
    borough_code,
    borough,
    year::integer as year,
    burglaries::integer as burglaries
from 'mps_lsoa_burglary/part-0.parquet';

-- Stop and search, attitudes -----------------------------------------------------------

create table marts.stop_and_search_by_month as
with counted as (
    select
        month,
        force,
        borough_code,
        object_of_search,
        outcome,
        self_defined_ethnicity_5_plus_1,
        officer_defined_ethnicity,
        count(*) as searches,
        count(*) filter (is_exact_repeat) as repeats,
        sum(found_object_of_search::integer) as found,
        count(found_object_of_search) as linked,
        count(*) filter (not has_coordinates) as without_coordinates
    from facts.fct_searches
    group by all
)
select
    month,
    counted.force,
    counted.borough_code,
    case counted.borough_code
        when 'no-coordinates' then 'No coordinates'
        when 'elsewhere' then 'Outside the areas held'
        else borough
    end as borough,
    object_of_search,
    outcome,
    self_defined_ethnicity_5_plus_1,
    officer_defined_ethnicity,
    searches::integer as searches,
    repeats::integer as exact_repeats,
    found::integer as found_object_of_search,
    linked::integer as searches_with_link_supplied,
    without_coordinates::integer as without_coordinates
from counted
left join boroughs on counted.borough_code = boroughs.borough_code;

create table marts.public_attitude_by_quarter as
select
    survey_date as quarter_end,
    borough_code,
    coalesce(names.label, survey.borough) as borough,
    coalesce(measures.label, measure) as measure,
    proportion,
    mps_proportion
from read_parquet('mopac_public_attitude_survey/*/*.parquet') as survey
left join labels as names
    on
        names.data_set = 'mopac_public_attitude_survey'
        and names.column_name = 'borough'
        and survey.borough = names.value
left join labels as measures
    on
        measures.data_set = 'mopac_public_attitude_survey'
        and measures.column_name = 'measure'
        and measure = measures.value
left join boroughs on boroughs.borough = coalesce(names.label, survey.borough);

-- People and places --------------------------------------------------------------------

create table marts.borough_boundary as
select borough_code, borough, geometry as geometry_geojson
from 'borough_boundaries/part-0.parquet';

create table marts.borough_profile_indicators as
select *, try_cast(value_text as double) as value_number
from 'borough_profiles/part-0.parquet';

create table marts.borough_ethnic_group_estimates as
select
    year::integer as year,
    area_code,
    area,
    coalesce(groups.label, ethnic_group) as ethnic_group,
    groups.grouping as ethnic_group_broad,
    people::integer as people,
    confidence_interval::integer as confidence_interval_95,
    people is null as is_suppressed
from 'borough_ethnic_group/part-0.parquet'
left join labels as groups
    on groups.data_set = 'borough_ethnic_group' and ethnic_group = groups.value;

create table marts.population_by_ethnic_group as
select
    local_authority_code as area_code,
    min(local_authority) as area,
    2021 as population_year,
    coalesce(groups.label, ethnic_group) as ethnic_group,
    groups.grouping as ethnic_group_broad,
    sum(people)::integer as people,
    local_authority_code like 'E09%' as is_london
from 'census_2021_ethnic_group/part-0.parquet' as census
left join labels as groups
    on groups.data_set = 'census_2021_ethnic_group' and ethnic_group = groups.value
where ethnic_group_code <> -8
group by all;

create table marts.population_by_area as
with
people as (
    unpivot 'population_mid_2020/part-0.parquet'
    on columns('^(persons|males|females)_')
    into name band value people
),
placed as (
    select people.*, ward_code, ward
    from people left join marts.lsoa_lookup using (lsoa_code)
),
areas as (
    select 'lsoa' as area_type, lsoa_code as area_code, min(lsoa_name) as area,
        band, sum(people) as people
    from placed group by all
    union all
    select 'ward', ward_code, min(ward), band, sum(people)
    from placed where ward_code is not null group by all
    union all
    select 'borough', borough_code, min(borough), band, sum(people)
    from placed group by all
)
select
    area_type,
    area_code,
    area,
    2020 as population_year,
    case split_part(band, '_', 1)
        when 'persons' then 'all' when 'females' then 'female' else 'male'
    end as sex,
    case substr(band, strpos(band, '_') + 1)
        when 'all_ages' then 'all'
        when '65_plus' then '65+'
        else replace(substr(band, strpos(band, '_') + 1), '_', '-')
    end as age_band,
    people::integer as people
from areas;

create table marts.deprivation_by_lsoa as
select lsoa_code, 2019 as index_year, 2011 as lsoa_year,
    * exclude (lsoa_code)
    replace (
        imd_rank::integer as imd_rank,
        imd_decile::integer as imd_decile
    )
from 'deprivation_2019/part-0.parquet'
union all by name
select lsoa_code, 2025 as index_year, 2021 as lsoa_year,
    * exclude (lsoa_code)
    replace (
        imd_rank::integer as imd_rank,
        imd_decile::integer as imd_decile
    )
from 'deprivation_2025/part-0.parquet';
