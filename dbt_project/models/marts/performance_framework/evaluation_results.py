"""Every registered evaluation, worked out, judged and put in words."""

from edp_platform.analysis.evaluation.mart import evaluation_results


def model(dbt, session):
    """One row per evaluation, method, crime type, environment and period."""
    reports = dbt.ref("crime_reports_by_month").pl()
    patrols = dbt.ref("patrol_by_month").pl()
    boundaries = dbt.ref("borough_boundary").project("borough_code, geometry_geojson")
    return evaluation_results(reports, patrols, boundaries.pl())
