"""How satisfied each ethnic group of victims is, against everybody who answered."""

from edp_platform.analysis.disproportionality.satisfaction import satisfaction_gap


def model(dbt, session):
    """One row per quarter, months in the period, question and ethnic group."""
    return satisfaction_gap(dbt.ref("victim_satisfaction_by_quarter").pl())
