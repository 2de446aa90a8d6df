"""Marts whose very counts disclose: which they are, and where their functions stand.

The functions are made by publication and by `edp access apply`
(`edp_platform.access.brokering`).
"""

from alembic import op

revision = "0003"
down_revision = "0002"

_SQL = """
alter table gov.mart add column counts text[];
comment on column gov.mart.counts is
    'Of a mart that is reached through its function in schema broker alone: the columns '
    'that count. Null for every other.';

create schema broker;
grant usage on schema broker to edp_reader;
comment on schema broker is
    'One function for each mart whose very counts disclose.';
"""


def upgrade() -> None:
    """Make them."""
    op.execute(_SQL)
