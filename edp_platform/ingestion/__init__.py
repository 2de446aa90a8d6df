"""From a file as received to typed monthly Parquet, with every row accounted for.

Belongs here: landing, recognising and reading files, quarantine, reconciliation,
revisions between releases, downloads. Does not belong here: Dagster, dbt, or any rule
about who may use data (`governance` decides, and is asked before a byte is written).
"""
