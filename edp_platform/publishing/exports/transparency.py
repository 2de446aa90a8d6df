"""Algorithmic transparency records, tiers 1 and 2, from the register of models.

Attribute names, tiers and which are required are those of the Algorithmic Transparency
Recording Standard v3.0. What the register does not answer says so in its place and is
listed in `not_stated`; what the data is comes from the contracts of its inputs.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from edp_platform.contracts import Contract
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.publishing.exports.sources import Sources

#: Stands where the register does not answer a required attribute.
NOT_STATED = "Not stated in the register of models."
_PHASES = {
    "idea": "Pre-deployment",
    "development": "Pre-deployment",
    "in_use": "Production",
    "retired": "Retired",
}
_PERSONAL = ("personal", "special-category", "criminal-offence")


def transparency_record(
    model: ModelRecord, sources: Sources, on: date
) -> dict[str, Any]:
    """Return one record.

    Args:
        model: of the register.
        sources: contracts and registers.
        on: the day it is made for; its day of completion is the first approval's.

    Returns:
        ready for JSON: `metadata`, `tier_1`, `tier_2` (seven groups) and `not_stated`
        (required attributes that nothing on record answers).
    """
    contracts = [
        sources.data_sets[name].contract
        for name in model.inputs
        if name in sources.data_sets
    ]
    document = {
        "metadata": _metadata(model, sources, on),
        "tier_1": {
            "name": model.name,
            "description": model.description,
            # Where a tool has no page of its own the standard takes the organisation's.
            "website_url": model.website or sources.organisation.website,
            "contact_email": model.contact,
        },
        "tier_2": {
            "owner_and_responsibility": _owner(model, sources),
            "description_and_rationale": _rationale(model),
            "decision_making_process": _decision(model),
            "tool_specification": {
                "system_architecture": (
                    f"Assets of the platform: {', '.join(model.assets) or 'none yet'}. "
                    f"{model.technique}"
                ),
                "phase": _PHASES[model.status],
                "maintenance": model.maintenance,
                "models": model.technique,
            },
            "model_specification": _model(model),
            "data_specification": _data(model, contracts, sources),
            "risks_mitigations_and_impact_assessments": {
                "impact_assessment": _assessments(model, sources),
                "risks_and_mitigations": " ".join(
                    f"{one.risk} Mitigation: {one.mitigation}" for one in model.risks
                )
                or NOT_STATED,
            },
        },
    }
    return {**document, "not_stated": sorted(_unanswered(document))}


def _metadata(model: ModelRecord, sources: Sources, on: date) -> dict[str, str]:
    organisation = sources.organisation
    approvals = [one.on for one in model.gates if one.decision == "approve"]
    decisions = [one.on for one in model.gates]
    return {
        "id": model.id,
        "standard_version": "3.0",
        "organisation_type": organisation.organisation_type,
        # GOV.UK's list of functions; what a police force does is this one of them.
        "function": "Public order and safety",
        "capability": model.capability or NOT_STATED,
        "task": model.outputs,
        "tags": f"use case {model.use_case}",
        "date_of_completion": min(approvals).isoformat() if approvals else NOT_STATED,
        "date_updated": max(decisions).isoformat() if decisions else on.isoformat(),
        "date_archived": (
            on.isoformat() if model.status == "retired" else "not archived"
        ),
        "title": model.name,
        "organisation_name": organisation.name,
        "phase": _PHASES[model.status],
        "region": organisation.region,
        "one_sentence_description": _first_sentence(model.description),
    }


def _owner(model: ModelRecord, sources: Sources) -> dict[str, str]:
    team, _ = sources.contact(model.owner)
    person = sources.people.get(model.senior_responsible_owner)
    role = f", {person.role.replace('_', ' ')}" if person else ""
    found = {
        "organisation_or_department": sources.organisation.name,
        "team": team,
        "senior_responsible_owner": (
            f"{sources.person(model.senior_responsible_owner)}{role}"
        ),
        "external_supplier_involvement": "Yes" if model.supplier else "No",
    }
    if model.supplier:
        supplier = sources.suppliers.get(model.supplier)
        found["external_supplier"] = supplier.name if supplier else model.supplier
        if supplier is not None:
            found["procurement_procedure_type"] = (
                f"agreement under section 93 of the Police Act 1996, {supplier.s93_ref}"
                if supplier.basis == "s93"
                else f"contract {supplier.contract_ref}"
            )
            found["data_access_terms"] = f"{supplier.data_class} data only"
    return found


def _rationale(model: ModelRecord) -> dict[str, str]:
    return {
        "detailed_description": model.technique,
        "scope": f"Used in the use case {model.use_case}: {model.description}",
        "benefit": model.rationale,
    }


def _decision(model: ModelRecord) -> dict[str, str]:
    process = model.decision_process
    return {
        "process_integration": process.description,
        "provided_information": process.information_provided,
        "frequency_and_scale_of_usage": process.frequency_and_scale,
        "human_decisions_and_review": process.human_decisions,
        "required_training": process.required_training,
        "appeals_and_review": process.appeals,
    }


def _model(model: ModelRecord) -> dict[str, str]:
    return {
        "model_name": model.name,
        "model_version": model.version or NOT_STATED,
        "model_task": model.outputs,
        "model_input": ", ".join(model.inputs) or NOT_STATED,
        "model_output": model.outputs,
        "model_architecture": model.technique,
        "model_performance": model.performance,
        "datasets": model.training_data,
        "dataset_purposes": model.training_data,
    }


def _data(
    model: ModelRecord, contracts: list[Contract], sources: Sources
) -> dict[str, str]:
    """Return what the contracts of its inputs say of the data."""
    if not contracts:
        names = (
            "source_data_name",
            "data_modality",
            "data_description",
            "data_quantities",
            "sensitive_attributes",
            "data_completeness_and_representativeness",
            "source_data_url",
            "data_collection",
            "data_sharing_agreements",
            "data_access_and_storage",
        )
        return dict.fromkeys(names, NOT_STATED)
    rules = sorted({one.retention_rule for one in contracts})
    return {
        "source_data_name": "; ".join(one.name for one in contracts),
        "data_modality": "Tabular",
        "data_description": " ".join(
            f"{one.name}: {one.purpose} {one.granularity}".strip() for one in contracts
        ),
        "data_quantities": _quantities(contracts, sources),
        "sensitive_attributes": _sensitive(contracts),
        "data_completeness_and_representativeness": " ".join(
            f"{one.name}: {one.limitations}" for one in contracts
        ),
        "source_data_url": "Not open data."
        if not all(one.licence for one in contracts)
        else "; ".join(sorted({one.supplier for one in contracts})),
        "data_collection": "; ".join(
            f"{one.name}: supplied by {one.supplier}" for one in contracts
        ),
        "data_cleaning": (
            "Each contract's rules: rows that break one are set aside with the reason, "
            "and counted; cleansing is declared by column and keeps the original."
        ),
        "data_sharing_agreements": "; ".join(
            sorted({one.licence or "none: the force's own data" for one in contracts})
        ),
        "data_access_and_storage": (
            f"{' '.join(sources.organisation.security)} "
            f"Kept under the retention rules {', '.join(rules)}."
        ),
    }


def _quantities(contracts: list[Contract], sources: Sources) -> str:
    parts = []
    for one in contracts:
        held = sources.held.get(one.data_set)
        span = (
            f", {held.first_month} to {held.last_month}"
            if held and held.first_month
            else ""
        )
        parts.append(f"{one.name}: {len(one.columns)} columns{span}")
    return "; ".join(parts)


def _sensitive(contracts: list[Contract]) -> str:
    parts = []
    for one in contracts:
        columns = [each for each in one.columns if each.classification in _PERSONAL]
        named = ", ".join(
            f"{each.name} ({each.protected_characteristic})"
            if each.protected_characteristic
            else each.name
            for each in columns
        )
        parts.append(f"{one.name}: {named or 'none'}")
    return "; ".join(parts)


def _assessments(model: ModelRecord, sources: Sources) -> str:
    parts = []
    by_dpia = {one.contract.dpia_ref: one for one in sources.data_sets.values()}
    for reference in model.dpia_refs:
        data_set = by_dpia.get(reference)
        title = f" ({data_set.contract.name})" if data_set is not None else ""
        parts.append(f"Data protection impact assessment {reference}{title}.")
    eqia = sources.eqias.get(model.eqia_ref)
    said = f": {eqia.decision}" if eqia is not None else ""
    parts.append(f"Equality impact assessment {model.eqia_ref}{said}.")
    return " ".join(parts)


def _first_sentence(text: str) -> str:
    plain = " ".join(text.split())
    head, dot, _ = plain.partition(". ")
    return head + ("." if dot else "")


def _unanswered(document: dict[str, Any]) -> set[str]:
    found = set()
    groups = [document["metadata"], document["tier_1"], *document["tier_2"].values()]
    for group in groups:
        found |= {name for name, value in group.items() if value == NOT_STATED}
    return found


def as_rows(
    documents: list[dict[str, Any]],
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return records as a table: one row for each attribute of each record."""
    rows = []
    for one in documents:
        identity = one["metadata"]["id"]
        groups = [
            ("metadata", one["metadata"]),
            ("tier 1", one["tier_1"]),
            *((f"tier 2: {name}", part) for name, part in one["tier_2"].items()),
        ]
        for group, values in groups:
            rows += [
                (identity, group.replace("_", " "), name, str(value))
                for name, value in values.items()
            ]
    return ["record", "group", "attribute", "value"], rows
