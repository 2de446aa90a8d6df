"""How a week's calls lie over its hours."""

from edp_platform.analysis.demand.mart import demand_hour_of_week


def model(dbt, session):
    """One row per borough, grade, day of the week and hour of the day."""
    return demand_hour_of_week(dbt.ref("calls_by_day_and_hour").pl())
