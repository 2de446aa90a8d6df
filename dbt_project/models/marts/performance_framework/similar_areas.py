"""The areas most like each area."""

from edp_platform.analysis.similar_areas import covariates, similar_areas


def model(dbt, session):
    """One row per area and neighbour."""
    known = covariates(
        dbt.ref("deprivation_by_lsoa").project("lsoa_code, index_year, imd_score").pl(),
        dbt.ref("population_by_area")
        .project("area_type, area_code, area, sex, age_band, people")
        .pl(),
        dbt.ref("borough_profile_indicators")
        .project("area_code, indicator, value_number")
        .pl(),
        dbt.ref("lsoa_lookup")
        .filter("lsoa_vintage <> '2021 only'")
        .project("lsoa_code, ward_code, borough_code")
        .pl(),
    )
    return similar_areas(known)
