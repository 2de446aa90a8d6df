"""The PostgreSQL server: where it is, starting it, connecting to it, migrating it.

Plain Python without Dagster. What is published into it is `publishing.serving`; who may
see what of it is `access`.
"""
