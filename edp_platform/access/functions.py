"""The functions that row security asks, as the database should have them.

`edp access apply` makes them anew where they differ, and `edp access plan` says so: a
function that somebody replaced would open everything at once. All are keyed on
`session_user`, which no SET ROLE and no function of an owner changes, and look at
`clock_timestamp()`: `now()` stands still inside a transaction. They are STABLE, so that
a query asks them once, and the next query asks again.
"""

from __future__ import annotations

from dataclasses import dataclass

from edp_platform.access.naming import GOV, OWNER, READER

_SEARCH_PATH = "search_path=pg_catalog, pg_temp"


@dataclass(frozen=True)
class Function:
    """One function.

    Attributes:
        name: without its schema.
        arguments: as CREATE FUNCTION takes them.
        types: the arguments' types, as the catalogue lists them.
        returns: what it returns.
        is_definer: whether it runs as its owner.
        body: its SQL.
        says: what it is, for the catalogue.
    """

    name: str
    arguments: str
    types: str
    returns: str
    is_definer: bool
    body: str
    says: str

    @property
    def signature(self) -> str:
        """Schema, name and types."""
        return f"{GOV}.{self.name}({self.types})"

    @property
    def config(self) -> str:
        """The setting it runs under."""
        return _SEARCH_PATH

    @property
    def statements(self) -> tuple[str, ...]:
        """What makes it, as its owner."""
        definer = " security definer" if self.is_definer else ""
        said = self.says.replace("'", "''")
        made = [
            f"create or replace function {GOV}.{self.name}({self.arguments}) returns "
            f"{self.returns} language sql stable parallel safe{definer} "
            f"set search_path = pg_catalog, pg_temp as $gov${self.body}$gov$",
            f"alter function {self.signature} owner to {OWNER}",
            f"comment on function {self.signature} is '{said}'",
            f"revoke all on function {self.signature} from public",
        ]
        if self.is_definer:
            made.append(f"grant execute on function {self.signature} to {READER}")
        return tuple(made)


_LIVE = Function(
    "live",
    "login text, mart text, at timestamptz",
    "text, text, timestamp with time zone",
    "setof gov.entitlement",
    False,
    """
    select e.* from gov.entitlement as e
    join gov.login as l on l.login = e.login
    join gov.mart as t on t.mart = e.mart
    where e.login = $1 and e.mart = $2
      -- the grant, and the person
      and $3 >= e.starts and $3 < e.ends
      and $3 < l.active_until
      -- a supplier: the agreement, the training, each quarter's look
      and (e.kind = 'force' or (
          $3 < l.training_until
          and exists (
              select from gov.supplier_state as s
              where s.supplier = l.supplier and $3 >= s.starts and $3 < s.ends)))
      and (e.kind <> 'contract' or $3 < e.recertified_until)
      -- what says something about people: training, vetting, processing contract
      and (e.personal = '{}' or (
          $3 < l.training_until and $3 < l.vetting_until
          and (e.kind = 'force' or exists (
              select from gov.supplier_state as s
              where s.supplier = l.supplier and $3 < s.processing_until))))
      -- each data set beneath: its DPIA, and a purpose that both sides name
      and t.is_open
      and not exists (
          select from gov.mart_source as m
          left join gov.data_set_state as d on d.data_set = m.data_set
          where m.mart = e.mart
            and not coalesce(
                m.is_covered and m.purposes && e.purposes
                and d.is_open and $3 < d.good_until, false))
""",
    "The grants of a login on a mart that are live at a moment: dates, person, training, "
    "vetting, agreement, purpose and the DPIA of each data set beneath. What is missing "
    "shuts.",
)

_READABLE = Function(
    "readable",
    "login text, mart text, at timestamptz",
    "text, text, timestamp with time zone",
    "boolean",
    False,
    """
    with live as materialized (select g.columns from gov.live($1, $2, $3) as g)
    select exists (
        select from gov.column_grant as c where c.login = $1 and c.mart = $2
    ) and not exists (
        select from gov.column_grant as c
        where c.login = $1 and c.mart = $2
          and not exists (select from live where c.column_name = any (live.columns)))
""",
    "Whether every column that a login holds on a mart is covered by a live grant. Row "
    "security cannot see which columns are asked, so one that lapsed shuts the mart "
    "until edp access apply takes the column away.",
)

_MAY_READ = Function(
    "may_read",
    "mart text",
    "text",
    "boolean",
    True,
    """
    select session_user = current_user
        or gov.readable(session_user::text, $1, clock_timestamp())
""",
    "Whether who is signed in may read the rows of a mart now. The owner itself, which "
    "publishes, may; a view or function of the owner's runs for who is signed in.",
)

_ALLOWED_VALUES = Function(
    "allowed_values",
    "mart text, column_name text",
    "text, text",
    "text[]",
    True,
    """
    with asked as materialized (
        select session_user::text as login, clock_timestamp() as at
    ), limits as (
        select r.allowed
        from asked, gov.live(asked.login, $1, asked.at) as g
        join gov.row_limit as r
          on r.grant_id = g.grant_id and r.mart = $1 and r.column_name = $2
    )
    select case
        when session_user = current_user then null
        when not (select gov.readable(asked.login, $1, asked.at) from asked)
            then '{}'::text[]
        when not exists (select from limits) then null
        else array(
            select one from (
                select distinct unnest(limits.allowed) as one from limits) as each
            where not exists (
                select from limits where not each.one = any (limits.allowed)))
        end
""",
    "The values of a column whose rows who is signed in may see: those that every live "
    "grant with a limit on it names; null where none limits it.",
)

#: In the order in which they can be made.
FUNCTIONS = (_LIVE, _READABLE, _MAY_READ, _ALLOWED_VALUES)
