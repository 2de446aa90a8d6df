"""Runs the migrations on the connection that `database.migrating` gives.

Each runs in a transaction of its own as `edp_owner`, so that what it makes is owned by
that role. One that makes roles says `reset role` first and `set role edp_owner` after.
"""

from alembic import context
from sqlalchemy import text

attributes = context.config.attributes
connection = attributes["connection"]
connection.execute(text("set role edp_owner"))
connection.commit()
context.configure(
    connection=connection,
    version_table=attributes["version_table"],
    version_table_schema=attributes["version_schema"],
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
