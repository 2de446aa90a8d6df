"""Response times by month, borough and grade."""

from edp_platform.analysis.demand.mart import response_times_by_month


def model(dbt, session):
    """One row per month, borough and grade."""
    return response_times_by_month(dbt.ref("call_times_by_month").pl())
