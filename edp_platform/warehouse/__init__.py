"""The warehouse: one DuckDB file, built by dbt in process, and what is due in it.

Belongs here: the dbt manifest, running dbt, the record of what was built from what.
Does not belong here: Dagster, SQL (that is `dbt_project`), or serving (`publishing`).
"""
