"""How good each way of forecasting was on days it had not seen."""

from edp_platform.analysis.demand.mart import forecast_evaluation


def model(dbt, session):
    """One row per period, grade, model, fold and area."""
    return forecast_evaluation(dbt.ref("calls_by_day_and_hour").pl())
