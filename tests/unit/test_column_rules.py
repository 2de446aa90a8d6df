"""Rule 4 at column level: what may reach a mart, by where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from edp_platform.contracts import Contract
from edp_platform.contracts.model import PLATFORM_COLUMNS, Column
from edp_platform.datasets import defs_root
from edp_platform.governance.column_law import ColumnLaw
from edp_platform.governance.column_lineage import Origins, Relation
from edp_platform.governance.column_rules import (
    COLUMN_RULES,
    ColumnUse,
    columns_protected,
)
from edp_platform.governance.dpia import load_dpia
from edp_platform.governance.lineage_tracing import trace
from edp_platform.governance.records.dpia import Dpia, Scope
from edp_platform.governance.refusal import Refusal

MART = ("marts", "m")

#: column → logical type, classification, identifier class.
PEOPLE = {
    "person_id": ("string", "personal", "direct"),
    "surname": ("string", "personal", "direct"),
    "date_of_birth": ("date", "personal", "direct"),
    "ethnicity": ("string", "special-category", "sensitive"),
    "offence": ("string", "criminal-offence", "sensitive"),
    "record_number": ("string", "criminal-offence", "quasi"),
    "age": ("integer", "personal", "quasi"),
    "seen_at": ("timestamp", "personal", "quasi"),
    "postcode": ("string", "personal", "direct"),
    "lsoa_code": ("string", "personal", "quasi"),
    "latitude": ("number", "personal", "quasi"),
    "borough_code": ("string", "personal", "quasi"),
    "force": ("string", "public", "none"),
}
AREAS = dict.fromkeys(
    ["lsoa_code", "borough_code", "borough", "people"], ("string", "public", "none")
)
CODES = dict.fromkeys(["value", "label"], ("string", "public", "none"))


def contract(
    name: str, columns: Mapping[str, tuple[str, str, str]], key: Sequence[str] = ()
) -> Contract:
    made = tuple(
        Column(
            name=one,
            physical_name=one,
            logical_type=kind,
            description=one,
            primary_key=one in key,
            classification=classification,
            identifier_class=identifier,
            from_coordinates={"boundaries": "b"}
            if one == "borough_code" and classification == "personal"
            else None,
        )
        for one, (kind, classification, identifier) in columns.items()
    )
    return Contract(
        path=Path("contract.yaml"),
        data_set=name,
        id=f"force.{name}",
        version="1.0.0",
        status="active",
        name=name,
        purpose="",
        limitations="",
        owners=("team:x",),
        columns=made,
        granularity="",
        regime="part2",
        dpia_ref=f"DPIA-{name.upper()}",
        purposes=("P-STATISTICS",),
        retention_rule="R",
        file_patterns=("x.csv",),
        identity=(),
        is_monthly=False,
        month_from=None,
        supplier="",
        licence=None,
        attribution=None,
        freshness_days=None,
        series_breaks=(),
        partial_supply=(),
        fingerprint="",
    )


CONTRACTS = {
    "people": contract("people", PEOPLE, key=["record_number"]),
    "areas": contract("areas", AREAS),
    "codes": contract("codes", CODES),
}
SOURCES = {
    ("raw", name): [*one.column_names, *PLATFORM_COLUMNS]
    for name, one in CONTRACTS.items()
}


@pytest.fixture(scope="module")
def dpia() -> Dpia:
    """A DPIA that covers every column of `people` for the use case `fairness`."""
    path = defs_root() / "datasets" / "police_uk_stop_and_search" / "dpia.yaml"
    real = load_dpia(path, date.today())
    return real.model_copy(
        update={
            "id": "DPIA-PEOPLE",
            "scope": Scope.model_validate(
                {
                    "datasets": [
                        {
                            "contract": "force.people",
                            "contract_major": 1,
                            "columns": [*PEOPLE],
                            "layers": ["raw", "staging", "mart"],
                            "as_such": {"linkage": ["surname", "person_id"]},
                        }
                    ],
                    "purposes": ["P-STATISTICS"],
                    "use_cases": ["fairness", "linkage"],
                }
            ),
        }
    )


def judged(
    dpia: Dpia,
    sql: str | Mapping[Relation, str],
    declared: Mapping[str, str | tuple[str, ...]] | None = None,
    use_case: str = "fairness",
    purposes: Sequence[str] = ("P-STATISTICS",),
) -> tuple[Refusal, ...]:
    models = {MART: sql} if isinstance(sql, str) else sql
    lineage = trace(models, SOURCES)
    assert all(not one.faults and not one.untraced for one in lineage.values()), lineage
    return columns_protected(
        ColumnLaw(Origins(lineage), CONTRACTS),
        ColumnUse(
            relation=MART,
            columns=[*lineage[MART].columns],
            declared={
                name: (rules,) if isinstance(rules, str) else rules
                for name, rules in (declared or {}).items()
            },
            use_case=use_case,
            purposes={"people": purposes},
            dpias={"people": dpia},
        ),
    )


#: A leak → the column it is of. None of them may pass, whatever is declared.
LEAKS = {
    "a copy": ("select surname as x from raw.people", "surname"),
    "a copy by star": (
        "with s as (select * from raw.people) select ethnicity as x from s",
        "ethnicity",
    ),
    "an alias chain": (
        "with a as (select ethnicity as p from raw.people), b as (select p as q from a) "
        "select q as x from b",
        "ethnicity",
    ),
    "case when": (
        "select case when surname > 'M' then surname else 'no' end as x from raw.people",
        "surname",
    ),
    "concat": ("select concat('', surname) as x from raw.people", "surname"),
    "a struct": ("select {'k': ethnicity} as x from raw.people", "ethnicity"),
    "array_agg": (
        "select array_agg(surname) as x from raw.people group by force",
        "surname",
    ),
    **{
        f"{function} of a name": (
            f"select {function} as x from raw.people group by force",
            "surname",
        )
        for function in (
            "max(surname)",
            "min(surname)",
            "any_value(surname)",
            "first(surname)",
            "last(surname)",
            "mode(surname)",
            "list(surname)",
            "string_agg(surname, ',')",
            "arg_max(surname, age)",
            "histogram(surname)",
            "median(surname)",
            "quantile_disc(surname, 0.5)",
            "approx_top_k(surname, 3)",
        )
    },
    "a hash without a key": ("select md5(surname) as x from raw.people", "surname"),
    "a subquery in SELECT": (
        "select (select max(p.surname) from raw.people as p where p.force = a.borough) "
        "as x from raw.areas as a",
        "surname",
    ),
    "a window": (
        "select count(*) over (partition by surname) as n, "
        "lag(surname) over (order by age) as x from raw.people",
        "surname",
    ),
    "a window over one person": (
        "select sum(age) over (partition by person_id) as x from raw.people",
        "age",
    ),
    "a union branch": (
        "select borough as x from raw.areas union all select surname from raw.people",
        "surname",
    ),
    "a join by using": (
        "select ethnicity as x from raw.areas join raw.people using (lsoa_code)",
        "ethnicity",
    ),
    "star that replaces": (
        "select * replace (surname as force) from (select surname, force as x, force "
        "from raw.people)",
        "surname",
    ),
    "star that renames": (
        "select * rename (ethnicity as x) from (select ethnicity from raw.people)",
        "ethnicity",
    ),
    "star that leaves out": (
        "select * exclude (force) from (select force, offence as x from raw.people)",
        "offence",
    ),
    "quoted names with odd capitals": (
        'select "P"."Surname" as "X" from "raw"."People" as "P"',
        "surname",
    ),
    "a sum over single people": (
        "select sum(age) as x from raw.people group by person_id",
        "age",
    ),
    "a sum over single records": (
        "select sum(age) as x from raw.people group by record_number",
        "age",
    ),
    "a sum over single lines": (
        "select sum(age) as x from raw.people group by source_file, source_line",
        "age",
    ),
    "a sum over moments": (
        "select avg(age) as x from raw.people group by seen_at",
        "age",
    ),
    "a sum over numbered rows": (
        "with n as (select age, row_number() over (order by age) as k from raw.people) "
        "select sum(age) as x from n group by k",
        "age",
    ),
    "a sum over ranks of people": (
        "with n as (select age, dense_rank() over (order by person_id) as k "
        "from raw.people) select sum(age) as x from n group by k",
        "age",
    ),
    "a sum over random groups": (
        "select sum(age) as x from raw.people group by random()",
        "age",
    ),
    "a sum of an identity": (
        "select sum(cast(person_id as integer)) as x from raw.people group by force",
        "person_id",
    ),
    "a dimension that identifies": (
        "select surname as x, count(*) as n from raw.people group by surname",
        "surname",
    ),
    "an identity as a dimension by its place": (
        "select person_id as x, count(*) as n from raw.people group by 1",
        "person_id",
    ),
    "a dimension by another name": (
        "select s as x, count(*) as n from (select upper(surname) as s from raw.people) "
        "group by all",
        "surname",
    ),
    "a place as it was as a dimension": (
        "select postcode as x, count(*) as n from raw.people group by postcode",
        "postcode",
    ),
    "the half of a postcode that has no blank": (
        "select split_part(replace(postcode, ' ', '_'), ' ', 1) as x, count(*) as n "
        "from raw.people group by 1",
        "postcode",
    ),
    "a record's number as a dimension": (
        "select record_number as x, count(*) as n from raw.people group by 1",
        "record_number",
    ),
    "a filter that says it": (
        "select force as x from raw.people where ethnicity = 'A'",
        "ethnicity",
    ),
    "EXISTS that says it": (
        "select a.borough as x from raw.areas as a where exists (select 1 from "
        "raw.people as p where p.lsoa_code = a.lsoa_code and p.offence = 'B')",
        "offence",
    ),
    "a label that says it": (
        "select c.label as x from raw.people as p join raw.codes as c "
        "on p.ethnicity = c.value",
        "ethnicity",
    ),
    "an order that says it": (
        "select force as x from raw.people order by ethnicity limit 1",
        "ethnicity",
    ),
    "a count joined to people again": (
        "with n as (select force, count(*) as k from raw.people group by force) "
        "select p.ethnicity as x, n.k from raw.people as p join n on p.force = n.force",
        "ethnicity",
    ),
    "a sum of flags that single one person out": (
        "select sum(case when surname = 'Smith' then 1 else 0 end) as x "
        "from raw.people group by force",
        "surname",
    ),
    "a band of what was multiplied first": (
        "select age * 10 // 10 as x from raw.people",
        "age",
    ),
    "a band of an identity that was multiplied first": (
        "select sum(age) as x from raw.people "
        "group by cast(person_id as bigint) * 5 // 5",
        "age",
    ),
    "a sum over birthdays": (
        "select sum(age) as x from raw.people group by cast(date_of_birth as date)",
        "age",
    ),
    "an area no larger": (
        "select a.lsoa_code as x from raw.people as p join raw.areas as a "
        "on p.lsoa_code = a.lsoa_code",
        "lsoa_code",
    ),
    "distinct": ("select distinct ethnicity as x from raw.people", "ethnicity"),
    "a number in the clear": (
        "select latitude as x, count(*) as n from raw.people group by 1",
        "latitude",
    ),
    "the day of birth": ("select date_of_birth as x from raw.people", "date_of_birth"),
    "the month of birth": (
        "select date_trunc('month', date_of_birth) as x, count(*) as n "
        "from raw.people group by 1",
        "date_of_birth",
    ),
}


@pytest.mark.parametrize("case", LEAKS)
def test_rule_04_refuses_a_leak_whatever_is_declared(case: str, dpia: Dpia) -> None:
    sql, source = LEAKS[case]
    every = tuple(COLUMN_RULES)
    for rules in ((), *((rule,) for rule in every), every):
        refusals = [
            str(one) for one in judged(dpia, sql, {"x": rules} if rules else {})
        ]
        assert any(f"people.{source} →" in one for one in refusals), rules
        assert any("DPIA-PEOPLE" in one for one in refusals)
        assert all(one.startswith("rule 4: ") for one in refusals)


#: A mart → what its columns are declared to be. All pass, and none without.
HARMLESS = {
    "a count by ethnicity": (
        "select force, ethnicity, count(*) as n from raw.people group by all",
        {"ethnicity": "group_by_dimension"},
    ),
    "a count of people": (
        "select force, count(distinct person_id) as n from raw.people group by force",
        {"n": "aggregate"},
    ),
    "a sum of flags about identities": (
        "select force, sum(case when surname is null then 1 else 0 end) as n "
        "from raw.people group by force",
        {"n": "aggregate"},
    ),
    "an average": (
        "select force, avg(age) as a, median(age) as m from raw.people group by force",
        {"a": "aggregate", "m": "aggregate"},
    ),
    "a filtered count": (
        "select count(*) filter (where offence = 'A') as n from raw.people",
        {"n": "aggregate"},
    ),
    "a rate": (
        "select force, count(offence) / count(*) as r from raw.people group by force",
        {"r": "aggregate"},
    ),
    "a sum of sums in a window": (
        "select force, sum(count(age)) over () as n from raw.people group by force",
        {"n": "aggregate"},
    ),
    "an average over people": (
        "with each as (select person_id, force, count(offence) as k from raw.people "
        "group by person_id, force) select force, avg(k) as a from each group by force",
        {"a": "aggregate"},
    ),
    "bands of age": (
        "select case when age < 18 then 'child' else 'adult' end as band, "
        "count(*) as n from raw.people group by all",
        {"band": "banded"},
    ),
    "bands of a birthday": (
        "select case when date_of_birth > date '2008-01-01' then 'child' else 'adult' "
        "end as band, count(*) as n from raw.people group by all",
        {"band": "banded"},
    ),
    "tens of years": (
        "select age // 10 * 10 as band, count(*) as n from raw.people group by 1",
        {"band": "banded"},
    ),
    "tens of years by floor": (
        "select floor(age / 10) * 10 as band, count(*) as n from raw.people group by 1",
        {"band": "banded"},
    ),
    "tens of years since birth": (
        "select date_diff('year', date_of_birth, seen_at) // 10 as band, "
        "count(*) as n from raw.people group by 1",
        {"band": "banded"},
    ),
    "a sum of flags about pairs": (
        "select p.force, sum(case when p.person_id = q.person_id then 1 else 0 end) as n "
        "from raw.people as p join raw.people as q on p.record_number = q.record_number "
        "group by p.force",
        {"n": "aggregate"},
    ),
    "a month": (
        "select cast(date_trunc('month', seen_at) as date) as month, count(*) as n "
        "from raw.people group by all",
        {"month": "month_of"},
    ),
    "a month of groups": (
        "select cast(date_trunc('month', seen_at) as date) as month, count(*) as n "
        "from raw.people group by all",
        {"month": "group_by_dimension"},
    ),
    "an hour of the day": (
        "select extract(hour from seen_at) as h, count(*) as n from raw.people "
        "group by all",
        {"h": "group_by_dimension"},
    ),
    "a larger area": (
        "select a.borough, count(*) as n from raw.people as p join raw.areas as a "
        "on p.lsoa_code = a.lsoa_code group by a.borough",
        {"borough": "generalised_area"},
    ),
    "the area of coordinates": (
        "select borough_code, count(*) as n from raw.people group by all",
        {"borough_code": "generalised_area"},
    ),
    "the first half of a postcode": (
        "select split_part(postcode, ' ', 1) as district, count(*) as n "
        "from raw.people group by 1",
        {"district": "generalised_area"},
    ),
    "a label of groups": (
        "select c.label, count(*) as n from raw.people as p join raw.codes as c "
        "on p.ethnicity = c.value group by c.label",
        {"label": "group_by_dimension"},
    ),
    "two rules": (
        "select concat(ethnicity, age // 10) as k, count(*) as n from raw.people "
        "group by all",
        {"k": ("group_by_dimension", "banded")},
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_rule_04_passes_what_a_true_declaration_protects(case: str, dpia: Dpia) -> None:
    sql, declared = HARMLESS[case]
    assert judged(dpia, sql, declared) == ()


@pytest.mark.parametrize("case", HARMLESS)
def test_rule_04_refuses_what_nothing_declares(case: str, dpia: Dpia) -> None:
    sql, declared = HARMLESS[case]
    found = [str(one) for one in judged(dpia, sql)]
    assert all("nothing is declared to protect it" in one for one in found)
    for name in declared:
        assert any(f"marts.m.{name}:" in one or f"{name}." in one for one in found)


def test_rule_04_tells_of_columns_refused_alike_together(dpia: Dpia) -> None:
    (refusal,) = judged(dpia, "select age as a, age as b, age + 1 as c from raw.people")
    assert "people.age → marts.m.a: " in str(refusal)
    assert "nothing is declared to protect it; likewise b, c. It may" in str(refusal)


#: A mart in which single people are picked before they are summed → what picks them.
PICKS = {
    "an identifier that is one of a series": (
        "select r.k, sum(p.age) as x, count(*) as n from (select unnest(range(1, 9)) "
        "as k) as r join raw.people as p on cast(substr(p.person_id, 2) as bigint) = "
        "r.k group by r.k",
        "people.person_id (JOIN in m)",
    ),
    "numbered people that are one of a series": (
        "select r.k, sum(p.age) as x from (select unnest(range(1, 9)) as k) as r "
        "join (select row_number() over (order by person_id) as rn, age from "
        "raw.people) as p on p.rn = r.k group by r.k",
        "rows of people (row_number() OVER in m)",
    ),
    "numbered people that are one of a series, counted": (
        "select r.k, p.ethnicity as x, count(*) as n from (select unnest(range(1, 9)) "
        "as k) as r join (select row_number() over (order by person_id) as rn, "
        "ethnicity from raw.people) as p on p.rn = r.k group by r.k, p.ethnicity",
        "rows of people (row_number() OVER in m)",
    ),
    "the first of each group": (
        "select force, sum(age) as x from (select force, age from raw.people qualify "
        "row_number() over (partition by force order by person_id) = 1) group by force",
        "rows of people (row_number() OVER in m)",
    ),
    "the first of each group, as a group": (
        "with n as (select force, age, row_number() over (partition by force order by "
        "age) = 1 as is_first from raw.people) select is_first, sum(age) as x from n "
        "group by all",
        "rows of people (row_number() OVER in m)",
    ),
    "the first by a named window": (
        "select force, sum(age) as x from (select force, age, rank() over w as k from "
        "raw.people window w as (partition by force order by person_id)) where k = 1 "
        "group by force",
        "rows of people (rank() OVER in m)",
    ),
    "a running count": (
        "select force, sum(age) as x from (select force, age, count(*) over (order by "
        "person_id) as k from raw.people) where k = 7 group by force",
        "rows of people (count() OVER in m)",
    ),
    "a neighbour's value": (
        "select force, sum(b) as x from (select force, lag(age) over (order by age) as b "
        "from raw.people) group by force",
        "rows of people (lag() OVER in m)",
    ),
    "a limit": (
        "with one as (select * from raw.people order by person_id limit 1) "
        "select force, sum(age) as x from one group by force",
        "rows of people (LIMIT in m)",
    ),
    "a limit of a union": (
        "with one as (select force, age from raw.people union all select force, age "
        "from raw.people limit 1) select force, sum(age) as x from one group by force",
        "rows of people (LIMIT in m)",
    ),
    "an offset": (
        "with some as (select * from raw.people offset 100) "
        "select force, sum(age) as x from some group by force",
        "rows of people (OFFSET in m)",
    ),
    "fetch first": (
        "with one as (select * from raw.people order by age fetch first 1 rows only) "
        "select force, sum(age) as x from one group by force",
        "rows of people (LIMIT in m)",
    ),
    "a limit that is counted": (
        "select force as x, count(*) as n from (select force from raw.people limit 1) "
        "group by force",
        "rows of people (LIMIT in m)",
    ),
    "distinct on": (
        "select force, sum(age) as x from (select distinct on (ethnicity) force, age from "
        "raw.people) group by force",
        "rows of people (DISTINCT ON in m)",
    ),
    "a sample of a table": (
        "select force, sum(age) as x from raw.people tablesample reservoir(1 rows) "
        "group by force",
        "rows of people (SAMPLE in m)",
    ),
    "a sample of a query": (
        "with one as (select * from raw.people using sample 1) "
        "select force, sum(age) as x from one group by force",
        "rows of people (SAMPLE in m)",
    ),
    "chance": (
        "select force, sum(age) as x from raw.people where random() < 0.001 "
        "group by force",
        "rows of people (rand() in m)",
    ),
    "an asof join": (
        "select v.k, sum(p.age) as x from (values (1), (2)) as v(k) asof join raw.people "
        "as p on p.age >= v.k group by v.k",
        "rows of people (ASOF JOIN in m)",
    ),
    "somebody's value of each group": (
        "select force, sum(a) as x from (select force, ethnicity, max(age) as a from "
        "raw.people group by force, ethnicity) group by force",
        "people.age (max in m)",
    ),
    "an identifier in WHERE": (
        "select force, count(*) as n, sum(age) as x from raw.people "
        "where person_id = 'N27' group by force",
        "people.person_id (WHERE in m)",
    ),
    "a record's number in WHERE": (
        "select force, sum(age) as x from raw.people where record_number > '27' "
        "group by force",
        "people.record_number (WHERE in m)",
    ),
    "a line in WHERE": (
        "select force, sum(age) as x from raw.people where source_line = 27 "
        "group by force",
        "people.source_line (WHERE in m)",
    ),
    "a birthday in WHERE": (
        "select force, sum(age) as x from raw.people where date_of_birth between "
        "date '1980-01-01' and date '1980-01-02' group by force",
        "people.date_of_birth (WHERE in m)",
    ),
    "a moment that is one of a series": (
        "select sum(p.age) as x from (select unnest(generate_series(timestamp "
        "'2024-01-01', timestamp '2024-01-02', interval 1 second)) as k) as r "
        "join raw.people as p on p.seen_at = r.k group by r.k",
        "people.seen_at (JOIN in m)",
    ),
    "an identifier that is a public one": (
        "select sum(p.age) as x from raw.areas as a join raw.people as p "
        "on p.postcode = a.lsoa_code group by a.lsoa_code",
        "people.postcode (JOIN in m)",
    ),
    "a pattern": (
        "select force, sum(age) as x from raw.people where surname like 'Smi%' "
        "group by force",
        "people.surname (WHERE in m)",
    ),
    "a function of two names": (
        "select force, sum(age) as x from raw.people where "
        "list_contains(['N27'], person_id) group by force",
        "people.person_id (WHERE in m)",
    ),
    "a list": (
        "select force, sum(age) as x from raw.people where person_id in ('N1', 'N2') "
        "group by force",
        "people.person_id (WHERE in m)",
    ),
    "a flag that stands below": (
        "with f as (select force, age, person_id = 'N27' as is_he from raw.people) "
        "select force, sum(age) as x from f where is_he group by force",
        "people.person_id (SELECT in m)",
    ),
    "an identifier in FILTER": (
        "select force, count(*) filter (where person_id = 'N27') as x from raw.people "
        "group by force",
        "people.person_id (FILTER in m)",
    ),
    "an identifier in a counted CASE": (
        "select force, count(case when person_id = 'N27' then 1 end) as x from "
        "raw.people group by force",
        "people.person_id (CASE in m)",
    ),
    "an identifier as the operand of a CASE": (
        "select force, count(case person_id when 'N27' then 1 end) as x from "
        "raw.people group by force",
        "people.person_id (CASE in m)",
    ),
    "an identifier in a CASE of a key": (
        "select sum(age) as x from raw.people group by case when person_id between "
        "'N27' and 'N27' then 1 else 0 end",
        "people.person_id (CASE in m)",
    ),
    "an identifier in HAVING": (
        "select force, sum(age) as x from raw.people group by force "
        "having max(person_id) = 'N27'",
        "people.person_id (HAVING in m)",
    ),
    "all but one, counted": (
        "select force, count(nullif(person_id, 'N27')) as x from raw.people "
        "group by force",
        "people.person_id (count in m)",
    ),
    "one of a list, counted": (
        "select force, count(list_position(['N27'], person_id)) as x from raw.people "
        "group by force",
        "people.person_id (count in m)",
    ),
    "a list of values that is joined": (
        "select v.k, sum(p.age) as x from (values ('N1'), ('N2')) as v(k) "
        "join raw.people as p on p.person_id = v.k group by v.k",
        "people.person_id (JOIN in m)",
    ),
    "a list of values that is joined by using": (
        "select sum(p.age) as x from (values ('N1'), ('N2')) as v(person_id) "
        "join raw.people as p using (person_id)",
        "people.person_id (JOIN in m)",
    ),
    "a list of values with nobody in a union": (
        "with v as (select 'N27' as k union all select person_id from raw.people "
        "where false) select v.k as x, sum(p.age) as y from v join raw.people as p "
        "on p.person_id = v.k group by 1",
        "people.person_id",
    ),
    "a value in place of a missing one": (
        "select p.force, sum(p.age) as x from raw.people as p join raw.people as q "
        "on p.person_id = coalesce(q.postcode, 'N27') group by p.force",
        "people.person_id (JOIN in m)",
    ),
    "IN of values": (
        "select force, sum(age) as x from raw.people where person_id in "
        "(select unnest(['N1', 'N2'])) group by force",
        "people.person_id (WHERE in m)",
    ),
    "one person of a query": (
        "select force, sum(age) as x from raw.people where person_id = "
        "(select person_id from raw.people where offence = 'B') group by force",
        "people.person_id (WHERE in m)",
    ),
    "EXISTS of values": (
        "select force, sum(age) as x from raw.people as p where exists (select 1 from "
        "(values ('N1')) as v(k) where v.k = p.person_id) group by force",
        "people.person_id (WHERE in m)",
    ),
    "INTERSECT of values": (
        "select force, sum(age) as x from raw.people where person_id in (select "
        "person_id from raw.people intersect select 'N27') group by force",
        "people.person_id (INTERSECT in m)",
    ),
}


@pytest.mark.parametrize("case", PICKS)
def test_rule_04_refuses_groups_of_people_who_were_picked(
    case: str, dpia: Dpia
) -> None:
    sql, picked = PICKS[case]
    for rules in ("aggregate", (*COLUMN_RULES,)):
        told = [str(one) for one in judged(dpia, sql, {"x": rules, "n": rules})]
        assert any("marts.m.x" in one and picked in one for one in told), told


def test_rule_04_refuses_groups_of_people_whom_a_model_below_picked(
    dpia: Dpia,
) -> None:
    models = {
        ("staging", "stg_people"): "select force, person_id as k, age from raw.people",
        ("intermediate", "int_one"): "select * from staging.stg_people where k = 'N27'",
        MART: "select force, sum(age) as x from intermediate.int_one group by force",
    }
    _, refusal = judged(dpia, models, {"x": "aggregate"})
    assert (
        "reaches this column, and it is declared `aggregate`, but no count, sum, average "
        "or spread over a GROUP BY: single people are picked before they are grouped, "
        "by people.person_id (WHERE in int_one)" in str(refusal)
    )
    assert "Use an identifier only to link data sets" in str(refusal)


#: Marts in which identifiers link, and many people stand in each group.
LINKS = {
    "two data sets": (
        "select p.force, sum(q.age) as x from raw.people as p join raw.people as q "
        "on p.person_id = q.person_id group by p.force"
    ),
    "two data sets by using": (
        "select p.force, sum(q.age) as x from raw.people as p join raw.people as q "
        "using (record_number) group by p.force"
    ),
    "a key of several names": (
        "select p.force, sum(q.age) as x from raw.people as p join raw.people as q on "
        "lower(p.surname) || '-' || p.date_of_birth = q.surname || '-' || "
        "q.date_of_birth group by p.force"
    ),
    "IN": (
        "select force, sum(age) as x from raw.people where person_id in (select "
        "person_id from raw.people where offence = 'B') group by force"
    ),
    "NOT EXISTS": (
        "select force, sum(age) as x from raw.people as p where not exists (select 1 "
        "from raw.people as q where q.person_id = p.person_id and q.seen_at < p.seen_at) "
        "group by force"
    ),
    "EXCEPT": (
        "select force, sum(age) as x from raw.people where person_id in (select "
        "person_id from raw.people except select person_id from raw.people where "
        "offence = 'B') group by force"
    ),
    "a list of data sets": (
        "select force, sum(age) as x from (select person_id, force, age from raw.people "
        "union all select person_id, force, age from raw.people) as p semi join "
        "raw.people as q on p.person_id = q.person_id group by force"
    ),
    "two data sets by a moment": (
        "select sum(q.age) as x from raw.people as p join raw.people as q "
        "on p.person_id = q.person_id where q.seen_at = p.seen_at and "
        "q.seen_at >= timestamp '2024-01-01'"
    ),
    "a day of a calendar": (
        "select sum(p.age) as x from (select unnest(generate_series(date '2024-01-01', "
        "date '2024-02-01', interval 1 day)) as k) as r "
        "join raw.people as p on cast(p.seen_at as date) = r.k group by r.k"
    ),
    "those who are known": (
        "select force, sum(age) as x from raw.people where person_id is not null "
        "group by force"
    ),
    "those who are known, blanks aside": (
        "with p as (select force, nullif(trim(person_id), '') as k from raw.people) "
        "select force, count(k) as x from p where k is not null group by force"
    ),
    "a count of people": (
        "select force, count(distinct person_id) as x from raw.people group by force"
    ),
    "a count of people by names": (
        "select force, count(distinct surname || '-' || date_of_birth) as x "
        "from raw.people group by force"
    ),
    "a count of those who are known": (
        "select force, count(*) filter (where surname is not null) as x "
        "from raw.people group by force"
    ),
    "groups with enough people": (
        "select force, sum(age) as x from raw.people group by force "
        "having count(distinct person_id) >= 10"
    ),
    "the ten largest groups": (
        "select ethnicity, sum(age) as x from raw.people group by ethnicity "
        "order by count(*) desc limit 10"
    ),
    "the ten largest groups, summed": (
        "with top as (select force, ethnicity, sum(age) as a from raw.people group by "
        "all order by count(*) desc limit 10) "
        "select force, sum(a) as x from top group by force"
    ),
    "ranks of groups": (
        "with g as (select force, ethnicity, sum(age) as a, rank() over (partition by "
        "force order by count(*) desc) as k from raw.people group by force, ethnicity) "
        "select force, sum(a) as x from g where k <= 3 group by force"
    ),
    "the highest average": (
        "with g as (select force, ethnicity, avg(age) as a from raw.people group by "
        "force, ethnicity) select force, sum(m) as x from (select force, max(a) as m "
        "from g group by force) group by force"
    ),
    "one record of each person": (
        "with p as (select * from raw.people qualify row_number() over "
        "(partition by person_id order by seen_at desc) = 1) "
        "select force, sum(age) as x from p group by force"
    ),
    "one record of each person by distinct on": (
        "select force, sum(age) as x from (select distinct on (person_id) * "
        "from raw.people) group by force"
    ),
    "the oldest that each person was": (
        "with p as (select person_id, force, max(age) as a from raw.people "
        "group by person_id, force) select force, sum(a) as x from p group by force"
    ),
    "the first record of each person": (
        "with f as (select person_id, min(record_number) as k from raw.people group by "
        "person_id) select p.force, sum(p.age) as x from raw.people as p join f "
        "on p.record_number = f.k group by p.force"
    ),
    "windows of people": (
        "with p as (select force, age, count(*) over (partition by force) as n from "
        "raw.people) select force, sum(age / n) as x from p group by force"
    ),
    "windows of what is not personal": (
        "with a as (select lsoa_code, row_number() over (partition by borough order by "
        "lsoa_code) as k from raw.areas), b as (select lsoa_code from a where k = 1 "
        "limit 5) select p.force, sum(p.age) as x from raw.people as "
        "p join b on p.lsoa_code = b.lsoa_code group by p.force"
    ),
    "an age at least": (
        "select force, sum(age) as x from raw.people where "
        "date_diff('year', date_of_birth, seen_at) >= 18 group by force"
    ),
    "rows that are there": (
        "select force, sum(age) as x from raw.people where exists (select 1 from "
        "raw.people where force = 'x' limit 1) group by force"
    ),
}


@pytest.mark.parametrize("case", LINKS)
def test_rule_04_passes_groups_of_people_who_were_linked(case: str, dpia: Dpia) -> None:
    rules = ("aggregate", "group_by_dimension")
    found = judged(dpia, LINKS[case], {"x": "aggregate", "ethnicity": rules})
    assert [one for one in map(str, found) if "has no such column" not in one] == []


def test_rule_04_says_of_nobody_that_a_limit_of_public_rows_picked_him(
    dpia: Dpia,
) -> None:
    sql = "select borough, count(*) as n from (select * from raw.areas limit 5) group by 1"
    assert judged(dpia, sql) == ()


CONSTANTS = {
    "constants": "select 1 as one, 'x' as x",
    "public columns": "select borough, count(*) as n from raw.areas group by borough",
    "a count of rows over sensitive filters": (
        "select force, count(*) as n from raw.people where ethnicity = 'A' group by 1"
    ),
    "a sum below, and rows of it": (
        "select s.force from (select force, count(*) as n from raw.people "
        "where offence = 'B' group by force) as s where s.n > 10"
    ),
}


@pytest.mark.parametrize("case", CONSTANTS)
def test_rule_04_passes_what_needs_no_declaration(case: str, dpia: Dpia) -> None:
    assert judged(dpia, CONSTANTS[case]) == ()


def test_rule_04_names_the_path_from_the_data_set_to_the_mart(dpia: Dpia) -> None:
    (refusal,) = judged(
        dpia,
        {
            ("staging", "stg_people"): "select ethnicity as eth, force from raw.people",
            ("intermediate", "int_people"): "select eth as e, force from "
            "staging.stg_people",
            MART: "select force, e as harmless from intermediate.int_people",
        },
    )
    assert str(refusal).startswith(
        "rule 4: people.ethnicity → stg_people.eth → int_people.e → marts.m.harmless: "
        "special category data under its DPIA (DPIA-PEOPLE) reaches this column"
    )


@pytest.mark.parametrize(
    ("changed", "use_case", "purposes", "expected"),
    [
        ({"columns": ["force"]}, "fairness", ["P-STATISTICS"], "column"),
        ({"layers": ["raw", "staging"]}, "fairness", ["P-STATISTICS"], "layer `mart`"),
        ({}, "another", ["P-STATISTICS"], "use case another"),
        ({}, "fairness", ["P-CRIME"], "purpose P-CRIME"),
    ],
)
def test_rule_04_refuses_a_mart_beyond_its_dpia(
    changed: dict[str, list[str]],
    use_case: str,
    purposes: list[str],
    expected: str,
    dpia: Dpia,
) -> None:
    sql, declared = HARMLESS["a count by ethnicity"]
    assert dpia.scope is not None
    covered = dpia.scope.datasets[0].model_copy(update=changed)
    scope = dpia.scope.model_copy(update={"datasets": [covered]})
    narrow = dpia.model_copy(update={"scope": scope})
    found = judged(narrow, sql, declared, use_case, purposes)
    assert any(
        "people.ethnicity → marts.m.ethnicity" in str(one) and expected in str(one)
        for one in found
    )


def test_rule_04_passes_a_column_that_its_dpia_covers_as_it_is(dpia: Dpia) -> None:
    sql = "select surname, person_id from raw.people"
    assert judged(dpia, sql, use_case="linkage") == ()
    assert len(judged(dpia, sql)) == 2
    (refusal,) = judged(
        dpia, "select surname, offence from raw.people", None, "linkage"
    )
    assert "people.offence" in str(refusal)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"force": "agregate"}, "knows no rule agregate; there are aggregate,"),
        ({"nowhere": "aggregate"}, "has no such column"),
        ({"force": "aggregate"}, "but no count, sum"),
    ],
)
def test_rule_04_refuses_a_declaration_that_is_not_true(
    declared: dict[str, str], expected: str, dpia: Dpia
) -> None:
    (refusal,) = judged(dpia, "select force from raw.people", declared)
    assert expected in str(refusal)


def test_classification_flows_along_what_a_value_is_made_of(dpia: Dpia) -> None:
    lineage = trace(
        {
            MART: "select p.force, c.label, p.offence || p.age as x, count(*) over () "
            "as n from raw.people as p join raw.codes as c on p.ethnicity = c.value"
        },
        SOURCES,
    )
    law = ColumnLaw(Origins(lineage), CONTRACTS)
    found = {
        name: (
            law.value_classification((*MART, name)),
            law.classification((*MART, name)),
        )
        for name in lineage[MART].columns
    }
    assert found == {
        "force": ("public", "special-category"),
        "label": ("special-category", "special-category"),
        "x": ("criminal-offence", "criminal-offence"),
        "n": ("public", "special-category"),
    }
