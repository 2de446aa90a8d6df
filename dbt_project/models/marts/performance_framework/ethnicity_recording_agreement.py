"""How often officers saw another ethnic group than the person's own description."""

from edp_platform.analysis.disproportionality.counts import searches_of
from edp_platform.analysis.disproportionality.facts import load_denominators
from edp_platform.analysis.disproportionality.recording import (
    ethnicity_recording_agreement,
)


def model(dbt, session):
    """One row per supply, period and self-defined ethnic group."""
    searches = searches_of(
        dbt.ref("searches_by_ethnic_group_and_month").pl(),
        dbt.ref("stop_and_search_records_by_month").pl(),
        load_denominators().own_force,
    )
    return ethnicity_recording_agreement(searches)
