"""From the warehouse to what people may query.

Belongs here: the published read-only copy of the marts and the queries on it. Does not
belong here: deciding what is in a mart (`dbt_project`) or who may see it (`access`).
"""
