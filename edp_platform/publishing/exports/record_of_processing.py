"""The record of processing: UK GDPR Art. 30(1), and DPA 2018 s.61(2), kept apart.

One entry for each data set and purpose, out of the regime entries of its DPIA. General
processing goes to one record and law enforcement to the other; a data set used for
both stands in both. What Schedule 1 para. 41 and s.42(4) add for special category,
criminal offence and sensitive processing stands with each entry.

Sources: UK GDPR Art. 30(1)(a) to (g); DPA 2018 s.61(2)(a) to (k), s.42(4), Sch. 1
para. 41; the Information Commissioner's guidance on documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

from edp_platform.contracts import Contract
from edp_platform.datasets import DataSet
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.governance.records.dpia import Dpia, Regime
from edp_platform.publishing.exports.sources import Sources

NOT_STATED = "not stated"
_CLASSES = {
    "personal": "personal data",
    "special-category": "special category data",
    "criminal-offence": "criminal offence data",
}
_LAW = {
    "part2": "UK GDPR Article 30(1)",
    "part3": "Data Protection Act 2018 section 61(2)",
}

#: The registers that a record of processing is made of.
_REGISTERS = (
    "model_records",
    "people",
    "policy_documents",
    "purposes",
    "retention_schedule",
    "suppliers",
    "teams",
)


def record_of_processing(
    sources: Sources, regime: Literal["part2", "part3"], on: date
) -> dict[str, Any]:
    """Return one of the two records.

    Args:
        sources: contracts, DPIAs and registers.
        regime: part2 for Art. 30, part3 for s.61.
        on: the day it is made for.

    Returns:
        ready for JSON: `record`, `as_at`, `controller`, `joint_controllers`,
        `data_protection_officer`, `security_measures`, `processing` (the entries),
        `without_personal_data` (data sets with a signed screening), `only_under` (data
        sets recorded in the other record alone) and `left_out` (folders and DPIAs that
        cannot be read: the record is incomplete while one stands there).
    """
    entries: list[dict[str, Any]] = []
    without: list[dict[str, Any]] = []
    elsewhere: list[str] = []
    left_out = sources.left_out(_REGISTERS)
    for name, data_set in sorted(sources.data_sets.items()):
        try:
            dpia = data_set.dpia
        except DpiaInvalid as error:
            left_out.append({"name": name, "error": str(error)})
            continue
        if not dpia.screening.needed:
            without.append(_screened(data_set, dpia, sources))
            continue
        own = [one for one in dpia.regimes if one.regime == regime]
        entries += [_entry(data_set, dpia, one, sources) for one in own]
        if not own:
            elsewhere.append(name)
    organisation = sources.organisation
    return {
        "record": _LAW[regime],
        "as_at": on.isoformat(),
        "controller": {
            "name": organisation.name,
            "address": organisation.address,
            "email": organisation.email,
            "website": organisation.website,
        },
        "joint_controllers": [
            one.model_dump(mode="json") for one in organisation.joint_controllers
        ],
        "data_protection_officer": {
            "name": sources.person(organisation.data_protection_officer),
            "email": organisation.data_protection_email,
        },
        "security_measures": [
            *organisation.security,
            *_measures(sources.platform_dpia),
        ],
        "processing": entries,
        "without_personal_data": without,
        "only_under": elsewhere,
        "left_out": left_out,
    }


def _screened(data_set: DataSet, dpia: Dpia, sources: Sources) -> dict[str, Any]:
    screening = dpia.screening
    return {
        "data_set": data_set.name,
        "title": data_set.contract.name,
        "reason": screening.reason or NOT_STATED,
        "by": sources.person(screening.by or NOT_STATED),
        "on": screening.on.isoformat() if screening.on else NOT_STATED,
    }


def _entry(
    data_set: DataSet, dpia: Dpia, regime: Regime, sources: Sources
) -> dict[str, Any]:
    contract = data_set.contract
    purpose = sources.purposes.get(regime.purpose)
    name, email = sources.contact(contract.owners[0] if contract.owners else "")
    others = sorted({one.regime for one in dpia.regimes} - {regime.regime})
    return {
        "id": f"{data_set.name}/{regime.purpose}",
        "data_set": data_set.name,
        "title": contract.name,
        "contract": f"{contract.id} {contract.version}",
        "owner": {"name": name, "email": email},
        "purpose": {
            "id": regime.purpose,
            "title": purpose.title if purpose else NOT_STATED,
            "meaning": purpose.meaning if purpose else NOT_STATED,
        },
        "legal_basis": _legal_basis(regime, sources),
        "data_subjects": _subjects(dpia),
        "personal_data": list(_personal_data(contract)),
        "source": contract.supplier,
        "recipients": list(dpia.scope.recipients if dpia.scope else []),
        "processors": [
            {"name": _supplier(one.name, sources), "contract": one.contract_ref}
            for one in dpia.processors
        ],
        "transfers": [
            one.model_dump(mode="json")
            for one in sources.organisation.transfers
            if data_set.name in one.data_sets
        ],
        "profiling": _profiling(data_set.name, dpia, sources),
        "erasure": _erasure(contract, sources),
        "security_measures": _measures(dpia),
        "conditions": _conditions(contract, regime, sources),
        "dpia": {
            "id": dpia.id,
            "version": dpia.version,
            "status": str(dpia.status),
            "review_due": dpia.review.due.isoformat(),
        },
        "use_cases": list(dpia.scope.use_cases if dpia.scope else []),
        "also_under": [_LAW[one] for one in others],
    }


def _legal_basis(regime: Regime, sources: Sources) -> dict[str, Any]:
    purpose = sources.purposes.get(regime.purpose)
    stated = purpose.legal_basis if purpose else NOT_STATED
    if regime.regime == "part2":
        return {
            "article_6_1": regime.art6 or NOT_STATED,
            "article_9_2": list(regime.art9),
            "article_10": [f"Sch. 1 para. {one}" for one in regime.art10_sch1],
            "law": regime.law or NOT_STATED,
            "purpose_register": stated,
        }
    basis = {
        "necessary_for_task": "necessary for the performance of a task carried out by a "
        "competent authority (s.35(2)(b))",
        "consent": "the data subject's consent (s.35(2)(a))",
        None: NOT_STATED,
    }
    return {
        "section_35_2": basis[regime.s35],
        "law": regime.law or NOT_STATED,
        "purpose_register": stated,
    }


def _subjects(dpia: Dpia) -> dict[str, Any]:
    described = dpia.description
    return {
        "categories": list(dpia.s38.categories) if dpia.s38 else [],
        "described": " ".join(
            part for part in (described.scope, described.context) if part
        )
        if described
        else NOT_STATED,
    }


def _personal_data(contract: Contract) -> Iterator[dict[str, Any]]:
    """Yield each class of personal data with its columns and characteristics."""
    for kind, words in _CLASSES.items():
        columns = [one for one in contract.columns if one.classification == kind]
        if columns:
            found = {
                one.protected_characteristic
                for one in columns
                if one.protected_characteristic
            }
            yield {
                "category": words,
                "columns": [one.name for one in columns],
                "protected_characteristics": sorted(found),
            }


def _profiling(data_set: str, dpia: Dpia, sources: Sources) -> list[str]:
    """Say which registered models read the data set, and what its screening says."""
    found = [
        f"{model.name} ({identity}, {model.status})"
        for identity, model in sorted(sources.models.items())
        if data_set in model.inputs and model.status != "retired"
    ]
    if "profiling" in dpia.screening.triggers:
        found.append("the screening names profiling")
    return found


def _erasure(contract: Contract, sources: Sources) -> dict[str, Any]:
    rule = sources.retention_rules.get(contract.retention_rule)
    if rule is None:
        return {
            "rule": contract.retention_rule,
            "keep": NOT_STATED,
            "disposal": NOT_STATED,
            "authority": NOT_STATED,
            "confirmed_by": NOT_STATED,
        }
    confirmed = rule.confirmed_by
    return {
        "rule": rule.id,
        "keep": rule.keep,
        "disposal": rule.disposal,
        "authority": rule.authority,
        "confirmed_by": sources.person(confirmed) if confirmed else "nobody yet",
    }


def _conditions(
    contract: Contract, regime: Regime, sources: Sources
) -> dict[str, Any] | None:
    """Return what Sch. 1 para. 41 or s.42(4) adds; None where neither applies."""
    if regime.regime == "part2":
        if not (regime.art9 or regime.art10_sch1):
            return None
        relied = [f"Article 9(2)({one})" for one in regime.art9]
        paragraphs = sorted({*regime.sch1, *regime.art10_sch1})
        relied += [f"Schedule 1 paragraph {one}" for one in paragraphs]
        law = "DPA 2018 Schedule 1 paragraph 41"
    else:
        if not regime.sensitive:
            return None
        relied = [f"Schedule 8 paragraph {one}" for one in regime.sch8]
        law = "DPA 2018 section 42(4)"
    return {
        "law": law,
        "relied_on": relied or [NOT_STATED],
        "policy_document": regime.apd_ref or NOT_STATED,
        "retained_as_policy_says": _follows_policy(contract, regime, sources),
    }


def _follows_policy(contract: Contract, regime: Regime, sources: Sources) -> str:
    if regime.apd_ref is None:
        return "no policy document is named"
    policy = sources.policy_documents.get(regime.apd_ref)
    if policy is None:
        return f"{regime.apd_ref} stands in no register"
    if policy.retention == contract.retention_rule:
        return f"yes: both name {policy.retention}"
    return (
        f"{regime.apd_ref} names {policy.retention}, the contract "
        f"{contract.retention_rule}"
    )


def _measures(dpia: Dpia) -> list[str]:
    """Return the measures a DPIA states, each with the check that shows it."""
    found = []
    for risk in dpia.risks:
        for measure in risk.measures:
            if measure.description:
                shown = (
                    f" (shown by the check {measure.check})" if measure.check else ""
                )
                text = " ".join(measure.description.split()) + shown
                if text not in found:
                    found.append(text)
    return found


def _supplier(name: str, sources: Sources) -> str:
    found = sources.suppliers.get(name)
    return found.name if found is not None else name


def as_rows(document: dict[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the entries as a table: columns, and one row each, lists in one cell."""
    columns = [
        "record",
        "as_at",
        "controller",
        "data_protection_officer",
        "data_set",
        "title",
        "owner",
        "purpose",
        "legal_basis",
        "data_subjects",
        "personal_data",
        "recipients",
        "processors",
        "transfers",
        "profiling",
        "time_limit_for_erasure",
        "security_measures",
        "conditions",
        "dpia",
        "also_under",
    ]
    rows = []
    controller = document["controller"]
    officer = document["data_protection_officer"]
    for one in document["processing"]:
        subjects = one["data_subjects"]
        erasure = one["erasure"]
        rows.append(
            (
                document["record"],
                document["as_at"],
                f"{controller['name']}, {controller['address']}, {controller['email']}",
                f"{officer['name']}, {officer['email']}",
                one["data_set"],
                one["title"],
                f"{one['owner']['name']}, {one['owner']['email']}",
                f"{one['purpose']['id']}: {one['purpose']['title']}",
                say(one["legal_basis"]),
                "; ".join([*subjects["categories"], subjects["described"]]),
                say(one["personal_data"]),
                say(one["recipients"]),
                say(one["processors"]),
                say(one["transfers"]),
                say(one["profiling"]),
                f"{erasure['rule']}: {erasure['keep']} {erasure['disposal']}",
                say([*document["security_measures"], *one["security_measures"]]),
                say(one["conditions"]),
                f"{one['dpia']['id']} {one['dpia']['version']} ({one['dpia']['status']})",
                say(one["also_under"]),
            )
        )
    return columns, rows


#: How provisions are written; a name cannot hold brackets.
_SPELT = {
    "article_6_1": "Article 6(1)",
    "article_9_2": "Article 9(2)",
    "article_10": "Article 10",
    "section_35_2": "Section 35(2)",
}


def spelt(name: str) -> str:
    """Return the name of a part of a record in words."""
    return _SPELT.get(name, name.replace("_", " "))


def say(value: Any) -> str:
    """Return a part of a record in one line of words."""
    if value is None:
        return "does not apply"
    if isinstance(value, dict):
        return "; ".join(f"{spelt(name)}: {say(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " | ".join(say(one) for one in value) or "none"
    return str(value)
