"""Every period of every measure on its control chart."""

from edp_platform.analysis.signals.mart import measure_signals
from edp_platform.warehouse.python_models import previous


def model(dbt, session):
    """One row per measure, area and period."""
    values = dbt.ref("measure_values").project(
        "measure, area_kind, area_code, month, numerator, denominator, value, "
        "completeness"
    )
    return measure_signals(values.pl(), previous(session, "measure_signals"))
