"""Searches per 1,000 residents by ethnic group, and each group against White."""

from edp_platform.analysis.disproportionality.counts import residents_of, searches_of
from edp_platform.analysis.disproportionality.disparity import search_disparity
from edp_platform.analysis.disproportionality.facts import load_denominators


def model(dbt, session):
    """One row per supply, period, area, benchmark, method and ethnic group."""
    facts = load_denominators()
    searches = searches_of(
        dbt.ref("searches_by_ethnic_group_and_month").pl(),
        dbt.ref("stop_and_search_records_by_month").pl(),
        facts.own_force,
    )
    residents = residents_of(
        dbt.ref("population_by_ethnic_group").pl(),
        dbt.ref("int_borough_forces").pl(),
        facts.policed(),
    )
    detentions = (
        dbt.ref("custody_by_month")
        .project("month, ethnicity_self_defined_group as ethnic_group, detentions")
        .pl()
    )
    return search_disparity(searches, residents, detentions, facts)
