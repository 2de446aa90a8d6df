"""Find rates and positive-outcome rates by ethnic group: the outcome test."""

from edp_platform.analysis.disproportionality.counts import searches_of
from edp_platform.analysis.disproportionality.facts import load_denominators
from edp_platform.analysis.disproportionality.outcomes import search_outcome_test


def model(dbt, session):
    """One row per supply, period, area, outcome, method and ethnic group."""
    searches = searches_of(
        dbt.ref("searches_by_ethnic_group_and_month").pl(),
        dbt.ref("stop_and_search_records_by_month").pl(),
        load_denominators().own_force,
    )
    return search_outcome_test(searches, dbt.ref("int_borough_forces").pl())
