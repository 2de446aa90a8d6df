"""The state of every series, with its alert and words."""

from edp_platform.analysis.signals.mart import measure_series


def model(dbt, session):
    """One row per measure and area."""
    return measure_series(dbt.ref("measure_signals").pl())
