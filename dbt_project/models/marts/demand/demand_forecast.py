"""Calls expected on each of the next days and in each of the next months."""

from datetime import date

from edp_platform.analysis.demand.mart import demand_forecast


def model(dbt, session):
    """One row per period, date, borough and grade."""
    return demand_forecast(dbt.ref("calls_by_day_and_hour").pl(), date.today())
