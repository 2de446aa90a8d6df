"""Whether crimes follow one another closely in place and time."""

from edp_platform.analysis.neighbourhood.near_repeat_table import near_repeats


def model(dbt, session):
    """One row per crime type, place band and time band; and one of what was refused."""
    return near_repeats(
        reports=dbt.ref("stg_crime_reports")
        .project(
            "month, crime_type, reported_at, occurred_from, occurred_to, "
            "location_postcode, lsoa_code"
        )
        .pl(),
        street=dbt.ref("crime_by_lsoa_and_month").limit(1).pl(),
    )
