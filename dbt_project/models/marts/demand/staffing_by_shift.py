"""Cars that each borough's shifts need for the calls expected."""

from edp_platform.analysis.demand.mart import staffing_by_shift


def model(dbt, session):
    """One row per borough, day of the week and shift."""
    return staffing_by_shift(
        dbt.ref("demand_forecast").pl(),
        dbt.ref("demand_hour_of_week").pl(),
        dbt.ref("call_times_by_month").pl(),
        dbt.ref("calls_by_day_and_hour").pl(),
    )
