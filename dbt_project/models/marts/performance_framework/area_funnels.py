"""Areas beside one another on funnel plots."""

from edp_platform.analysis.signals.mart import area_funnels


def model(dbt, session):
    """One row per measure and area."""
    values = dbt.ref("measure_values").project(
        "measure, area_kind, area_code, month, numerator, denominator, completeness"
    )
    return area_funnels(values.pl())
