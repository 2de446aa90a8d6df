"""What people are told of their access: until when, what is missing, who puts it right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from edp_platform.access.declared import Declared, Facts, Judged
from edp_platform.access.naming import BROKER, PUBLISHED
from edp_platform.access.rules import WARNINGS, processing_until, recertified_until
from edp_platform.governance.refusal import Refusal

#: What refuses → who puts it right.
_WHO = {
    "grant-approved": "an information asset owner",
    "grant-dates": "who asked, with another request; an information asset owner",
    "grant-person": "the records of people: data office",
    "grant-left": "the data office",
    "grant-training": "the person themselves",
    "grant-vetting": "the vetting unit",
    "grant-purpose": "who asked; the data protection officer where the DPIA must change",
    "grant-dpia": "the owner of the data set",
    "grant-names": "who asked",
    "supplier-term": "the force's lead of the supplier; commercial services",
    "supplier-personal": "the data protection officer; commercial services",
    "supplier-complete": "the force's lead of the supplier; commercial services",
}


@dataclass(frozen=True)
class Ending:
    """The first thing that ends a live grant on a mart.

    Attributes:
        on: its last day.
        what: what ends.
    """

    on: date
    what: str


def ending(one: Judged, facts: Facts, today: date) -> Ending:
    """Return what ends a live grant first."""
    return min(_ends(one, facts, today), key=lambda found: found.on)


def _ends(one: Judged, facts: Facts, today: date) -> Iterator[Ending]:
    grant, holder = one.grant, one.holder
    yield Ending(grant.last_day, f"the grant {grant.id}")
    if grant.kind == "contract":
        yield Ending(recertified_until(grant, today), f"the quarter of {grant.id}")
    is_personal = any(column.is_personal for column in one.columns)
    if holder is not None:
        if holder.training_until and (holder.supplier is not None or is_personal):
            yield Ending(holder.training_until, "the training Information and You")
        if holder.vetted_until and is_personal:
            yield Ending(holder.vetted_until, "the vetting")
        if holder.supplier is not None:
            supplier = holder.supplier
            yield Ending(supplier.ends, f"the agreement with {supplier.id}")
            until = processing_until(supplier)
            if until is not None and is_personal:
                yield Ending(until, f"the processing contract with {supplier.id}")
    mart = facts.marts.get(one.mart)
    for source in mart.sources if mart else ():
        state = facts.states.get(source.data_set)
        if state is not None and state.good_until is not None:
            yield Ending(state.good_until, f"the DPIA of {source.data_set}")


def notice(on: date, today: date) -> str:
    """Return how soon a last day is: "7 days", "14 days", "30 days", or nothing."""
    days = (on - today).days
    return next((f"{limit} days" for limit in sorted(WARNINGS) if days <= limit), "")


def access_of(
    person: str, declared: Declared, facts: Facts, today: date
) -> dict[str, Any]:
    """Return what one person may see and until when, and what is missing for the rest.

    Returns:
        `person`; `may`: of each mart that is open `mart`, `ask` (what SQL names),
        `columns`, `rows`, `grants`, `until`, `ends_with`, `notice`; `may_not`: of every
        other mart `mart` and `missing`, each with `rule`, `says` and `who`.
    """
    own = [one for one in declared.judged if one.grant.person == person]
    may, may_not = [], []
    for name in sorted(facts.marts):
        of_mart = [one for one in own if one.mart == name]
        live = [one for one in of_mart if one.is_live]
        if live:
            may.append(_open(name, live, facts, today))
            continue
        missing = [
            {
                "rule": refusal.rule,
                "says": str(refusal),
                "who": _who(refusal, name, facts),
            }
            for one in of_mart
            for refusal in one.refusals
        ]
        may_not.append({"mart": name, "missing": missing or [_ungranted(name, facts)]})
    known = {one["mart"] for one in (*may, *may_not)}
    may_not += [
        {
            "mart": one.mart,
            "missing": [
                {"rule": each.rule, "says": str(each), "who": _WHO["grant-names"]}
                for each in one.refusals
            ],
        }
        for one in own
        if one.mart not in known
    ]
    return {"person": person, "may": may, "may_not": may_not}


def _open(
    name: str, live: Sequence[Judged], facts: Facts, today: date
) -> dict[str, Any]:
    # Any column that loses its last grant shuts the mart until the next sweep.
    per_column: dict[str, Ending] = {}
    for one in live:
        end = ending(one, facts, today)
        for column in one.columns:
            held = per_column.get(column.name)
            if held is None or held.on < end.on:
                per_column[column.name] = end
    first = min(per_column.values(), key=lambda found: found.on)
    mart = facts.marts[name]
    return {
        "mart": name,
        "ask": f"{BROKER}.{name}()" if mart.is_brokered else f"{PUBLISHED}.{name}",
        "columns": sorted(per_column),
        "rows": {
            column: sorted(values)
            for one in live
            for column, values in one.grant.rows.items()
        },
        "grants": sorted({one.grant.id for one in live}),
        "until": first.on.isoformat(),
        "ends_with": first.what,
        "notice": notice(first.on, today),
    }


def _ungranted(name: str, facts: Facts) -> dict[str, str]:
    return {
        "rule": "no-grant",
        "says": f"No grant names {name}. Ask for one: edp access request {name} …",
        "who": _owners(name, facts),
    }


def _owners(name: str, facts: Facts) -> str:
    mart = facts.marts.get(name)
    owners = {
        facts.owners[one.data_set]
        for one in (mart.sources if mart else ())
        if one.data_set in facts.owners
    }
    return ", ".join(sorted(owners)) or "an information asset owner"


def _who(refusal: Refusal, mart: str, facts: Facts) -> str:
    if refusal.rule in ("grant-approved", "grant-dpia"):
        return _owners(mart, facts)
    return _WHO.get(refusal.rule, "the owner of the data set, with the DPIA")


def readers_of(
    name: str, declared: Declared, facts: Facts, today: date
) -> list[dict[str, Any]]:
    """Return who may see a mart, or anything made of a data set, and until when.

    Returns:
        of each person and mart `mart`, `person`, `columns`, `grants`, `until`,
        `ends_with` and `notice`.
    """
    marts = {
        mart.name
        for mart in facts.marts.values()
        if name == mart.name or name in mart.data_sets
    }
    found = []
    people = sorted({one.grant.person for one in declared.judged if one.is_live})
    for person in people:
        for told in access_of(person, declared, facts, today)["may"]:
            if told["mart"] in marts:
                found.append({"person": person, **told})
    return sorted(found, key=lambda one: (one["mart"], one["person"]))


def endings(declared: Declared, facts: Facts, today: date) -> list[dict[str, Any]]:
    """Return the live grants that end within thirty days, soonest first.

    Returns:
        of each `grant`, `person`, `marts`, `until`, `ends_with`, `days` and `notice`.
    """
    found: dict[tuple[str, Ending], list[Judged]] = {}
    for one in declared.judged:
        if one.is_live:
            end = ending(one, facts, today)
            if notice(end.on, today):
                found.setdefault((one.grant.id, end), []).append(one)
    told = [
        {
            "grant": grant,
            "person": held[0].grant.person,
            "marts": sorted(one.mart for one in held),
            "until": end.on.isoformat(),
            "ends_with": end.what,
            "days": (end.on - today).days,
            "notice": notice(end.on, today),
        }
        for (grant, end), held in found.items()
    ]
    return sorted(told, key=lambda one: (one["until"], one["grant"]))
