"""One entry for each data set and mart, made of what others have on record.

Pure: what is loaded goes in, plain values come out, ready for JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from edp_platform.access.marts import Mart as MartFacts
from edp_platform.cataloguing.access import AccessBook
from edp_platform.cataloguing.freshness import freshness
from edp_platform.contracts.model import Column
from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.column_law import CLASSIFICATIONS, ColumnLaw
from edp_platform.governance.column_rules import declared_rules
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.governance.overview import data_set_state
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.registers import Registers
from edp_platform.ingestion.landing import Supplies
from edp_platform.publishing.snapshot import Snapshot
from edp_platform.use_cases import UseCases
from edp_platform.warehouse.models import Model, Models

_SHARED_OWNER = "team:data-engineering"


@dataclass(frozen=True)
class ChecksSeen:
    """The checks of one asset, as they last came out.

    Attributes:
        passed: how many passed.
        warned: names of those that warn.
        failed: names of those that failed.
        at: when the latest was run.
    """

    passed: int = 0
    warned: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    at: str | None = None


@dataclass(frozen=True)
class Known:
    """Everything the catalogue is gathered from, read once.

    Attributes:
        data_sets: contracts and DPIAs.
        use_cases: who reads what.
        registers: purposes, teams, people, the retention schedule.
        models: of the dbt project.
        law: what contracts say of every column, carried along the lineage.
        facts: mart → what its columns can tell about people.
        supplies: data set → what was landed.
        status: data set → what edp status tells of it.
        reasons: data set → why rows are quarantined.
        snapshot: the published copy; None before the first.
        access: the live grants.
        checks: asset (`raw/NAME`, `marts/NAME`) → its checks; None where nobody asked.
        today: the day of the question.
    """

    data_sets: DataSets
    use_cases: UseCases
    registers: Registers
    models: Models
    law: ColumnLaw
    facts: Mapping[str, MartFacts]
    supplies: Mapping[str, Supplies]
    status: Mapping[str, Mapping[str, Any]]
    reasons: Mapping[str, Mapping[str, int]]
    snapshot: Snapshot | None
    access: AccessBook
    today: date
    checks: Mapping[str, ChecksSeen] | None = field(default=None)


def catalogue(known: Known) -> list[dict[str, Any]]:
    """Return an entry for each data set, then for each mart, by name.

    Returns:
        each `kind` ("data_set" or "mart"), `name`, `title`, `about`, `grain`, `limits`,
        `owner` (`id`, `name`, `email`), `classification` (the highest of its columns),
        `columns` (`name`, `type`, `meaning`, `classification`, `identifier_class`,
        `unit`, `protected_characteristic`, `protected_by`), `purposes` (`id`, `title`),
        `dpias` (`id`, `title`, `status`, `review_due`, `notice`, `covers`), `regimes`,
        `retention` (rules), `quality` (`checked`, `passed`, `warned`, `failed`, `at`,
        `quarantined`, `set_aside`, `reasons`), `freshness`, `lineage` (`up`, `down`,
        each `kind`, `name`), `use_cases`, `access` (see `access.Access`),
        `next_review`, `gate`, `refusals`, `published` (of a mart: `as_at`, `rows`) and
        `ask` (the command).
    """
    sets = [_data_set(one, known) for _, one in sorted(known.data_sets.by_name.items())]
    marts = sorted(known.models.marts, key=lambda one: one.name)
    return [*sets, *(_mart(one, known) for one in marts)]


def _data_set(data_set: DataSet, known: Known) -> dict[str, Any]:
    contract = data_set.contract
    state = data_set_state(data_set, known.use_cases, known.today)
    records = known.status.get(data_set.name, {}).get("records", {})
    supplies = known.supplies.get(data_set.name, Supplies([]))
    down = [
        {"kind": "mart", "name": one.name}
        for one in sorted(known.models.marts, key=lambda one: one.name)
        if data_set.name in known.models.data_sets(one.unique_id)
    ]
    return {
        "kind": "data_set",
        "name": data_set.name,
        "title": contract.name,
        "about": contract.purpose,
        "grain": contract.granularity,
        "limits": contract.limitations,
        "owner": _owner(contract.owners[0] if contract.owners else "", known),
        "classification": _highest(one.classification for one in contract.columns),
        "columns": [_column(one) for one in contract.columns],
        "purposes": _purposes(contract.purposes, known),
        "dpias": _dpias([data_set], known),
        "regimes": [contract.regime],
        "retention": [contract.retention_rule],
        "quality": _quality(f"raw/{data_set.name}", known)
        | {
            "quarantined": records.get("quarantined", 0),
            "set_aside": records.get("set_aside", 0),
            "reasons": dict(known.reasons.get(data_set.name, {})),
        },
        "freshness": freshness(contract, supplies, known.today),
        "lineage": {"up": [], "down": down},
        "supplier": contract.supplier,
        "licence": contract.licence,
        "use_cases": state["use_cases"],
        "access": _access(data_set.name, known),
        "next_review": state["dpia_review_due"],
        "gate": state["gate"],
        "refusals": state["refusals"],
        "published": None,
        # Nobody is given a data set: what is made of it is asked for.
        "ask": [_ask(one["name"], contract.purposes) for one in down],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.logical_type,
        "meaning": column.description,
        "classification": column.classification,
        "identifier_class": column.identifier_class,
        "unit": column.unit,
        "protected_characteristic": column.protected_characteristic,
        "protected_by": [],
    }


def _mart(model: Model, known: Known) -> dict[str, Any]:
    beneath = [
        known.data_sets.by_name[name]
        for name in sorted(known.models.data_sets(model.unique_id))
        if name in known.data_sets.by_name
    ]
    use_case = known.use_cases.by_name.get(model.use_case or "")
    purposes = dict.fromkeys(
        purpose
        for one in beneath
        for purpose in (
            use_case.purposes_of(one.contract) if use_case else one.contract.purposes
        )
    )
    dpias = _dpias(beneath, known)
    reviews = [one["review_due"] for one in dpias if one["review_due"]]
    facts = known.facts.get(model.name)
    refusals = [
        *(str(each) for each in (facts.refusals if facts else ())),
        *(
            str(each)
            for source in (facts.sources if facts else ())
            for each in source.refusals
        ),
    ]
    columns = _mart_columns(model, known)
    about = " ".join(model.description.split())
    quarantined = {
        one.name: number
        for one in beneath
        if (
            number := known.status.get(one.name, {})
            .get("records", {})
            .get("quarantined", 0)
        )
    }
    return {
        "kind": "mart",
        "name": model.name,
        "title": model.name.replace("_", " ").capitalize(),
        "about": about,
        # A model's description begins with its grain.
        "grain": about.partition(". ")[0],
        "limits": "",
        "owner": _owner(use_case.product_owner if use_case else _SHARED_OWNER, known),
        "classification": _highest(one["classification"] for one in columns),
        "columns": columns,
        "purposes": _purposes(purposes, known),
        "dpias": dpias,
        "regimes": sorted({one.contract.regime for one in beneath}),
        "retention": sorted({one.contract.retention_rule for one in beneath}),
        "quality": _quality(f"{model.schema}/{model.name}", known)
        | {
            # Rows kept out of what it is made from: the mart itself quarantines none.
            "quarantined": sum(quarantined.values()),
            "set_aside": 0,
            "reasons": {f"of {name}": number for name, number in quarantined.items()},
        },
        "freshness": _mart_freshness(beneath, known),
        "lineage": {
            "up": [
                *_models_above(model, known),
                *({"kind": "data_set", "name": one.name} for one in beneath),
            ],
            "down": [
                {"kind": "mart", "name": one.name}
                for one in sorted(known.models.marts, key=lambda one: one.name)
                if model.unique_id in one.parents
            ],
        },
        "supplier": None,
        "licence": None,
        "use_cases": [model.use_case] if model.use_case else [],
        "access": _access(model.name, known),
        "next_review": min(reviews, default=None),
        "gate": "refused" if refusals else "open",
        "refusals": list(dict.fromkeys(refusals)),
        "published": {
            "as_at": known.snapshot.as_at,
            "rows": known.snapshot.rows[model.name],
        }
        if known.snapshot and model.name in known.snapshot.rows
        else None,
        "ask": [_ask(model.name, [*purposes])],
    }


def _ask(mart: str, purposes: Sequence[str]) -> str:
    purpose = purposes[0] if purposes else "PURPOSE"
    return f'edp access request {mart} --purpose {purpose} --project "WHAT FOR"'


def _models_above(model: Model, known: Known) -> list[dict[str, str]]:
    return [
        {"kind": above.layer, "name": above.name}
        for one in model.parents
        if (above := known.models.by_id.get(one)) is not None
    ]


def _mart_columns(model: Model, known: Known) -> list[dict[str, Any]]:
    facts = known.facts.get(model.name)
    by_name = facts.by_name if facts else {}
    return [
        {
            "name": name,
            "type": kind,
            "meaning": " ".join(meaning.split()),
            "classification": known.law.value_classification((*model.asset_key, name)),
            "identifier_class": by_name[name].identifier_class
            if name in by_name
            else None,
            "unit": None,
            "protected_characteristic": None,
            "protected_by": list(declared_rules(model.protected_by.get(name.lower()))),
        }
        for name, kind, meaning in model.columns
    ]


def _mart_freshness(beneath: Iterable[DataSet], known: Known) -> dict[str, Any]:
    """Return how fresh a mart is: as its monthly data sets, the worst of them."""
    each = {
        one.name: freshness(
            one.contract, known.supplies.get(one.name, Supplies([])), known.today
        )
        for one in beneath
        if one.contract.is_monthly
    }
    states = {one["state"] for one in each.values()}
    worst = [one for one in ("late", "nothing landed", "kept") if one in states]
    return {
        "promised_days": max(
            (one["promised_days"] for one in each.values() if one["promised_days"]),
            default=None,
        ),
        "newest_month": max(
            (one["newest_month"] for one in each.values() if one["newest_month"]),
            default=None,
        ),
        "newest_release": max(
            (one["newest_release"] for one in each.values() if one["newest_release"]),
            default=None,
        ),
        "landed_on": max(
            (one["landed_on"] for one in each.values() if one["landed_on"]),
            default=None,
        ),
        "missing": sorted({month for one in each.values() for month in one["missing"]}),
        "state": worst[0] if worst else "nothing promised",
    }


def _quality(asset: str, known: Known) -> dict[str, Any]:
    if known.checks is None:
        return {"checked": False, "passed": 0, "warned": [], "failed": [], "at": None}
    seen = known.checks.get(asset, ChecksSeen())
    return {
        "checked": seen.at is not None,
        "passed": seen.passed,
        "warned": list(seen.warned),
        "failed": list(seen.failed),
        "at": seen.at,
    }


def _owner(owner: str, known: Known) -> dict[str, str]:
    team = known.registers.teams.get(owner)
    if team is not None:
        return {"id": owner, "name": team.title, "email": team.email}
    person = next(
        (
            one
            for one in known.registers.people.values()
            if owner in (one.email, one.id)
        ),
        None,
    )
    if person is not None:
        return {"id": owner, "name": person.name, "email": person.email or ""}
    return {
        "id": owner,
        "name": owner or "nobody",
        "email": owner if "@" in owner else "",
    }


def _purposes(names: Iterable[str], known: Known) -> list[dict[str, str]]:
    registered = known.registers.purposes
    return [
        {"id": one, "title": registered[one].title if one in registered else "unknown"}
        for one in names
    ]


def _dpias(beneath: Iterable[DataSet], known: Known) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in beneath:
        state = data_set_state(one, known.use_cases, known.today)
        dpia = None
        with suppress(DpiaInvalid):
            dpia = one.dpia
        found[state["dpia"]] = {
            "id": state["dpia"],
            "title": (dpia.title if dpia else None) or one.contract.name,
            "status": state["dpia_status"],
            "review_due": state["dpia_review_due"],
            "notice": state["dpia_notice"],
            "covers": _covers(dpia, one),
        }
    return [found[name] for name in sorted(found)]


def _covers(dpia: Dpia | None, data_set: DataSet) -> str:
    """Say in words what a DPIA covers of its data set."""
    if dpia is None:
        return "It cannot be relied on, so it covers nothing."
    scope = dpia.scope.of(data_set.contract.id) if dpia.scope else None
    if dpia.scope is None or scope is None:
        return f"Nothing of {data_set.name}."
    whom = ", ".join(dpia.scope.use_cases) or "every use case"
    nature = f" {dpia.description.nature}" if dpia.description else ""
    screened = "" if dpia.screening.needed else " Screened: no assessment was needed."
    return (
        f"{len(scope.columns)} columns of {data_set.name} as far as "
        f"{scope.layers[-1] if scope.layers else 'nowhere'}, for "
        f"{', '.join(dpia.scope.purposes)}, in {whom}.{nature}{screened}"
    )


def _highest(classifications: Iterable[str | None]) -> str:
    known = [one for one in classifications if one in CLASSIFICATIONS]
    return max(known, key=CLASSIFICATIONS.index, default="unknown")


def _access(name: str, known: Known) -> list[dict[str, Any]]:
    return [one.as_dict() for one in known.access.access_of(name)]
