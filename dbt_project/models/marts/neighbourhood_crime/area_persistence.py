"""How far the areas of one year are those of the year before."""

from edp_platform.analysis.neighbourhood import tables
from edp_platform.analysis.neighbourhood.panels import Counted


def model(dbt, session):
    """One row per data set, force, kind of area, offence group and pair of years."""
    return tables.area_persistence(
        counted=Counted(
            crimes=dbt.ref("crime_by_lsoa_and_month").pl(),
            partial=dbt.ref("code_list_police_uk_street")
            .filter("column_name = '__partial_supply__'")
            .project("value as force, valid_from, valid_to")
            .pl(),
            wards=dbt.ref("recorded_crime_by_ward_and_month").pl(),
            burglary=dbt.ref("burglary_by_lsoa_and_year").pl(),
            lookup=dbt.ref("lsoa_lookup").pl(),
            overlaps=dbt.ref("stg_lsoa_2011_to_lsoa_2021")
            .project("lsoa_2011_code, lsoa_2021_code")
            .pl(),
        ),
    )
