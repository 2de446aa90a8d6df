"""Snapshots: which there are, which is current, which stood at a given time."""

from alembic import op

revision = "0001"
down_revision = None

_SQL = """
-- Functions are for those they are granted to.
alter default privileges revoke execute on functions from public;

create schema publication;
grant usage on schema publication to edp_reader;

create table publication.snapshot (
    id text primary key,
    as_at timestamptz not null,
    published_at timestamptz not null default clock_timestamp(),
    schema_name text not null unique,
    is_current boolean not null,
    rows jsonb not null,
    reason_held jsonb not null default '{}',
    built_from jsonb not null default '{}',
    dropped_at timestamptz
);
comment on table publication.snapshot is
    'One row per snapshot of the marts that was ever served. For the platform itself: '
    'readers ask publication.current() and publication.schema_as_at().';
comment on column publication.snapshot.id is
    'The snapshot''s id, the same in the published DuckDB copy and on every page.';
comment on column publication.snapshot.as_at is
    'The moment whose marts it holds.';
comment on column publication.snapshot.schema_name is
    'Where it stands: marts while it is current.';
comment on column publication.snapshot.rows is 'Mart → rows.';
comment on column publication.snapshot.reason_held is
    'Mart → why it stands as an earlier snapshot had it.';
comment on column publication.snapshot.built_from is
    'Mart → what it was built from, by month: what tells which months changed.';
comment on column publication.snapshot.dropped_at is
    'When its tables were dropped; it can no longer be asked.';
create unique index one_current on publication.snapshot (is_current) where is_current;

create function publication.current(
    out id text, out as_at timestamptz, out published_at timestamptz
) language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp as $$
    select s.id, s.as_at, s.published_at
    from publication.snapshot as s where s.is_current
$$;
comment on function publication.current() is
    'The snapshot that schema marts holds: its id and as-at time.';

create function publication.schema_as_at(moment timestamptz) returns text
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp as $$
    select s.schema_name from publication.snapshot as s
    where s.published_at <= moment and s.dropped_at is null
    order by s.published_at desc limit 1
$$;
comment on function publication.schema_as_at(timestamptz) is
    'The schema that was served at a moment, as far back as snapshots are kept; null '
    'before. The same row rules hold there as in marts.';

revoke all on function publication.current() from public;
revoke all on function publication.schema_as_at(timestamptz) from public;
grant execute on function publication.current() to edp_reader;
grant execute on function publication.schema_as_at(timestamptz) to edp_reader;

-- Until entitlements are there, nobody but who publishes may read any row.
create function gov.may_read(mart text) returns boolean
language sql stable parallel safe as 'select session_user = ''edp_owner''';
revoke all on function gov.may_read(text) from public;
"""


def upgrade() -> None:
    """Make them."""
    op.execute(_SQL)
