"""Entitlements: what each login may see and until when, and the functions that say so.

The functions stand in `edp_platform.access.functions` and are made anew wherever they
differ (`edp access apply`); a later change of one needs no migration.
"""

from alembic import op

from edp_platform.access.functions import FUNCTIONS

revision = "0002"
down_revision = "0001"

_SQL = """
create table gov.login (
    login text primary key,
    person text not null,
    supplier text,
    active_until timestamptz not null,
    training_until timestamptz,
    vetting_until timestamptz
);
comment on table gov.login is
    'One row per person who has a login. Written by edp access apply alone.';
comment on column gov.login.active_until is 'When they left; infinity while they work.';
comment on column gov.login.training_until is
    'When the training Information and You no longer holds; null where there is none.';

create table gov.supplier_state (
    supplier text primary key,
    starts timestamptz not null,
    ends timestamptz not null,
    processing_until timestamptz
);
comment on table gov.supplier_state is
    'One row per supplier that is brought on completely.';
comment on column gov.supplier_state.processing_until is
    'When its contract as processor ends; null where there is none.';

create table gov.data_set_state (
    data_set text primary key,
    dpia text not null,
    is_open boolean not null,
    good_until timestamptz
);
comment on table gov.data_set_state is
    'One row per data set: whether its DPIA lets it be seen. Expiry needs no write.';
comment on column gov.data_set_state.good_until is
    'When its DPIA, or the overarching one, is past its review.';

create table gov.mart (
    mart text primary key,
    is_open boolean not null
);
comment on table gov.mart is 'One row per mart; one that is not here is read by nobody.';

create table gov.mart_source (
    mart text not null references gov.mart,
    data_set text not null,
    is_covered boolean not null,
    purposes text[] not null,
    primary key (mart, data_set)
);
comment on table gov.mart_source is
    'One row per mart and data set beneath it: whether the DPIA covers this use, and '
    'for which purposes.';

create table gov.entitlement (
    grant_id text not null,
    login text not null references gov.login,
    mart text not null references gov.mart,
    kind text not null check (kind in ('force', 's93', 'contract')),
    columns text[] not null,
    personal text[] not null,
    purposes text[] not null,
    starts timestamptz not null,
    ends timestamptz not null,
    recertified_until timestamptz,
    primary key (grant_id, mart)
);
create index entitlement_of on gov.entitlement (login, mart);
comment on table gov.entitlement is
    'One row per grant and mart that no rule refuses. Asked at every query.';

create table gov.row_limit (
    grant_id text not null,
    mart text not null,
    column_name text not null,
    allowed text[] not null,
    primary key (grant_id, mart, column_name),
    foreign key (grant_id, mart) references gov.entitlement
);
comment on table gov.row_limit is
    'One row per column by whose values a grant limits the rows of a mart.';

create table gov.column_grant (
    login text not null,
    mart text not null references gov.mart,
    column_name text not null,
    primary key (login, mart, column_name)
);
comment on table gov.column_grant is
    'One row per column that a login may select: what publication grants on each new '
    'snapshot, and what a live grant must cover.';

grant usage on schema gov to edp_reader;
"""


def upgrade() -> None:
    """Make them."""
    op.execute(_SQL)
    for function in FUNCTIONS:
        for statement in function.statements:
            op.execute(statement)
