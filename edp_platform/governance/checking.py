"""`edp governance check`: every fault of every register and contract, with its line.

Reads everything once and looks whether what each record names exists and whether the
gates would open. Nothing here decides anew: the rules are asked as a door asks them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from edp_platform.analysis.evaluation.conclusions import faults as conclusion_faults
from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.dpia import Dpia, DpiaInvalid
from edp_platform.governance.records.base import Fault, Record, RecordInvalid
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Register, Registers
from edp_platform.governance.supplier_rules import review_faults
from edp_platform.measures.loading import check_measures
from edp_platform.use_cases import UseCaseFolder, UseCases, data_refusals
from edp_platform.warehouse.manifest import dbt_project_folder
from edp_platform.yaml_source import YamlDocument, load_yaml

_PLACE = re.compile(r"(.+?):(\d+): ")
#: Where in a DPIA the fault stands, by the refusal's short name.
_DPIA_PLACES: dict[str, list[str | int]] = {
    "dpia-present": ["id"],
    "approved": ["status"],
    "dpo-advice": ["dpo_advice"],
    "in-date": ["review"],
    "overarching-dpia": ["parent"],
    "scope": ["id"],
    "contract-version": ["scope", "datasets", 0],
    "columns": ["scope", "datasets", 0, "columns"],
    "layer": ["scope", "datasets", 0, "layers"],
    "purpose": ["scope", "purposes"],
    "use-case": ["scope", "use_cases"],
    "sensitive": ["regimes"],
    "regimes-apart": ["regimes"],
    "general-use": ["regimes"],
    "residual-high": ["risks"],
    "separation": ["sign_off"],
    "measure-exists": ["risks"],
}
#: The same in a contract, by the custom property that is wrong.
_CONTRACT_RULES = ("purpose-registered", "retention-registered", "contract-valid")
_RECORD_PLACES: dict[str, list[str | int]] = {
    "problem-decided": ["problem"],
    "consulted": ["stages"],
    "platform-dpia-reviewed": ["sprints"],
    "platform-equality-reviewed": ["sprints"],
    "supplier-complete": ["sprints"],
    "supplier-continues": ["sprints"],
    "model-recorded": ["models"],
    "equality-seen": ["products"],
}


def faults(
    data_sets: DataSets, use_cases: UseCases, registers: Registers, today: date
) -> list[str]:
    """Return every fault as `file:line: what is wrong and what to do`, by file.

    Args:
        data_sets: those loaded, and the folders set aside.
        use_cases: the same of use cases.
        registers: the force's records.
        today: the day of the question.
    """
    aside = {
        one.folder: one.error for one in (*data_sets.set_aside, *use_cases.set_aside)
    }
    found = [
        *(line for error in aside.values() for line in error.splitlines()),
        *registers.faults(),
        *(str(one) for one in _cross_references(registers)),
        *(str(one) for one in _legacy_services(registers)),
        *(str(one) for one in _grants(registers)),
        *_assessments_named(data_sets, use_cases, registers),
        *(str(one) for one in _supplier_reviews(use_cases, registers)),
        *check_measures(),
        *(str(one) for one in conclusion_faults(registers)),
    ]
    for data_set in data_sets.by_name.values():
        found += _data_set_faults(data_set, today)
    for use_case in use_cases.by_name.values():
        found += _use_case_faults(use_case, data_sets, today)
    return sorted(dict.fromkeys(found), key=_by_line)


def _by_line(fault: str) -> tuple[str, int, str]:
    placed = _PLACE.match(fault)
    return (placed[1], int(placed[2]), fault) if placed else (fault, 0, "")


def _data_set_faults(data_set: DataSet, today: date) -> Iterator[str]:
    contract, registers = data_set.contract, data_set.registers
    try:
        dpia = data_set.dpia
    except DpiaInvalid as error:
        yield from str(error).splitlines()
        return
    document, prefix = _document(data_set.dpia_path, Dpia)
    for refusal in _distinct(data_set, today):
        if refusal.rule in _CONTRACT_RULES:
            line = _property_line(contract.path, refusal)
            yield str(Fault(contract.path, line, str(refusal)))
        else:
            place = _DPIA_PLACES.get(refusal.rule, [])
            line = document.line([*prefix, *place])
            yield str(Fault(data_set.dpia_path, line, str(refusal)))
    yield from _names_in_dpia(dpia, document, prefix, registers)


def _distinct(data_set: DataSet, today: date) -> list[Refusal]:
    # Asked for the first layer it covers; a door asks for its own.
    scope = data_set.dpia.scope
    layers = scope.datasets[0].layers if scope else []
    return list(data_set.refusals(layers[0] if layers else "raw", today))


def _property_line(path: Path, refusal: Refusal) -> int:
    name = "purposes" if refusal.rule == "purpose-registered" else "rrdRule"
    document = load_yaml(path)
    for index, one in enumerate(document.data.get("customProperties") or []):
        if isinstance(one, dict) and one.get("property") == name:
            return document.line(["customProperties", index])
    return 1


def _names_in_dpia(
    dpia: Dpia,
    document: YamlDocument,
    prefix: list[str | int],
    registers: Registers,
) -> Iterator[str]:
    people: list[tuple[list[str | int], str | None]] = [
        (["author"], dpia.author),
        (["screening", "by"], dpia.screening.by),
    ]
    if dpia.dpo_advice:
        people.append((["dpo_advice", "by"], dpia.dpo_advice.by))
        adviser = registers.people.get(dpia.dpo_advice.by)
        if adviser is not None and adviser.role != "data_protection_officer":
            yield _told(
                document,
                prefix,
                ["dpo_advice", "by"],
                f"{dpia.dpo_advice.by} is not the data protection officer.",
            )
    for index, mark in enumerate(dpia.sign_off):
        people.append((["sign_off", index, "by"], mark.by))
        signer = registers.people.get(mark.by)
        if signer is not None and signer.role != mark.role:
            yield _told(
                document,
                prefix,
                ["sign_off", index],
                f"{mark.by} signs as {mark.role}; the register says {signer.role}.",
            )
    for index, risk in enumerate(dpia.risks):
        people.append((["risks", index, "accepted_by"], risk.accepted_by))
    for place, person in people:
        if person is not None and person not in registers.people:
            yield _told(
                document,
                prefix,
                place,
                f"`{person}` is nobody of the register `people`: write the id of one.",
            )
    for index, entry in enumerate(dpia.regimes):
        if entry.purpose not in registers.purposes:
            yield _told(
                document,
                prefix,
                ["regimes", index],
                f"the purpose {entry.purpose} stands in no register.",
            )
        if entry.apd_ref and entry.apd_ref not in registers.policy_documents:
            yield _told(
                document,
                prefix,
                ["regimes", index],
                f"the policy document {entry.apd_ref} stands in no register.",
            )


def _told(
    document: YamlDocument, prefix: list[str | int], place: list[str | int], text: str
) -> str:
    return str(Fault(document.path, document.line([*prefix, *place]), text))


def _use_case_faults(
    use_case: UseCaseFolder, data_sets: DataSets, today: date
) -> Iterator[str]:
    for read in ("eqia", "record", "dpia"):
        try:
            getattr(use_case, read)
        except RecordInvalid as error:
            yield from str(error).splitlines()
            return
    record = use_case.record
    refusals = [
        *use_case.refusals(today),
        *(
            refusal
            for product in record.products
            for refusal in use_case.refusals(today, product.name)
        ),
    ]
    for refusal in dict.fromkeys(refusals):
        path = use_case.record_path
        place: list[str | int] = [*_RECORD_PLACES.get(refusal.rule, [])]
        if refusal.number == 36:
            path, place = use_case.eqia_path, []
        elif refusal.rule in _DPIA_PLACES and use_case.stated.dpia:
            path = use_case.folder / use_case.stated.dpia
            place = _DPIA_PLACES[refusal.rule]
        document = load_yaml(path)
        wrapper = next(iter(document.data), "")
        yield str(Fault(path, document.line([wrapper, *place]), str(refusal)))
    defs = load_yaml(use_case.folder / "defs.yaml")
    for index, name in enumerate(use_case.stated.uses):
        if name not in data_sets.by_name:
            yield str(
                Fault(
                    defs.path,
                    defs.line(["attributes", "uses", index]),
                    f"the data set {name} is set aside or unknown.",
                )
            )
    for name, refusal in data_refusals(use_case, data_sets.by_name, today):
        at: list[str | int] = ["attributes", "uses", use_case.stated.uses.index(name)]
        yield str(Fault(defs.path, defs.line(at), str(refusal)))
    stated = {product.name for product in record.products}
    for mart in sorted(_marts_written(use_case.name) - stated):
        for refusal in use_case.refusals(today, mart):
            if refusal.number == 47:
                document = load_yaml(use_case.record_path)
                line = document.line(["use_case", "products"])
                yield str(Fault(document.path, line, str(refusal)))
    for index, name in enumerate(use_case.stated.purposes):
        if name not in use_case.registers.purposes:
            yield str(
                Fault(
                    defs.path,
                    defs.line(["attributes", "purposes", index]),
                    f"the purpose {name} stands in no register.",
                )
            )
    for place, person in _people_of(record):
        if person not in use_case.registers.people:
            document, prefix = _document(use_case.record_path, type(record))
            yield _told(
                document,
                prefix,
                place,
                f"`{person}` is nobody of the register `people`: write the id of one.",
            )


def _people_of(record: Record) -> Iterator[tuple[list[str | int], str]]:
    """Yield (place, id) of each person a record names."""
    for place, value in _leaves(record.model_dump(by_alias=True)):
        last = next((key for key in reversed(place) if isinstance(key, str)), "")
        if last in _PEOPLE and isinstance(value, str) and ":" not in value:
            yield place, value


#: Fields that hold the id of a person.
_PEOPLE = {
    "by",
    "lead",
    "information_asset_owner",
    "business_lead",
    "project_lead",
    "force_lead",
    "reviewer",
    "accepted_by",
    "decision_maker",
    "approved_by",
    "confirmed_by",
    "senior_responsible_owner",
}


def _leaves(
    value: object, place: Sequence[str | int] = ()
) -> Iterator[tuple[list, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, [*place, key])
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, [*place, index])
    else:
        yield list(place), value


def _cross_references(registers: Registers) -> Iterator[Fault]:
    """Yield a fault for each name in the registers that nothing stands behind."""
    for register in registers.all.values():
        for record in register.values():
            if register is registers.people:
                continue
            for place, person in _people_of(record):
                if person not in registers.people:
                    yield _in_record(
                        register,
                        record,
                        place,
                        f"`{person}` is nobody of the register `people`: write the id "
                        "of one.",
                    )
    for review in registers.supplier_reviews.values():
        if review.supplier not in registers.suppliers:
            yield _in_record(
                registers.supplier_reviews,
                review,
                ["supplier"],
                f"the supplier {review.supplier} stands in no register.",
            )
    for document in registers.policy_documents.values():
        if document.retention not in registers.retention_rules:
            yield _in_record(
                registers.policy_documents,
                document,
                ["retention"],
                f"the retention rule {document.retention} stands in no schedule.",
            )
    for name in (
        "purposes",
        "problem_book",
        "model_records",
        "evaluations",
        "legacy_services",
    ):
        owned = registers.all[name]
        for record in owned.values():
            owner = getattr(record, "owner", None)
            if owner and owner.startswith("team:") and owner not in registers.teams:
                yield _in_record(
                    owned,
                    record,
                    ["owner"],
                    f"the team {owner} stands in no register.",
                )


def _legacy_services(registers: Registers) -> Iterator[Fault]:
    """Yield a fault for each mart that is to replace a service and is not built."""
    marts = _marts_written()
    for service in registers.legacy_services.values():
        for index, name in enumerate(service.replaced_by):
            if name not in marts:
                yield _in_record(
                    registers.legacy_services,
                    service,
                    ["replaced_by", index],
                    f"there is no mart {name}; edp catalogue lists them.",
                )


def _grants(registers: Registers) -> Iterator[Fault]:
    """Yield a fault for each grant that names a person, mart or purpose there is not.

    Such a grant opens nothing, and nobody would be told.
    """
    marts = _marts_written()
    suppliers = {
        person.id for one in registers.suppliers.values() for person in one.people
    }
    for grant in registers.grants.values():
        if grant.person not in registers.people and grant.person not in suppliers:
            yield _in_record(
                registers.grants,
                grant,
                ["person"],
                f"{grant.person} is neither on the register of people nor one of a "
                "supplier's.",
            )
        for index, name in enumerate(grant.marts):
            if name not in marts and not grant.is_every_mart:
                yield _in_record(
                    registers.grants,
                    grant,
                    ["marts", index],
                    f"there is no mart {name}; edp catalogue lists them.",
                )
        for index, name in enumerate(grant.purposes):
            if name not in registers.purposes:
                yield _in_record(
                    registers.grants,
                    grant,
                    ["purposes", index],
                    f"{name} is no purpose of the register.",
                )


def _marts_written(use_case: str = "") -> set[str]:
    """Return the names of the marts in the dbt project, or of one use case's."""
    folder = dbt_project_folder() / "models" / "marts" / use_case
    models = (*folder.rglob("*.sql"), *folder.rglob("*.py"))
    return {path.stem for path in models}


def _supplier_reviews(use_cases: UseCases, registers: Registers) -> Iterator[Fault]:
    """Yield a fault for each decision on a supplier that would not hold at the gate."""
    aside = {one.name for one in use_cases.set_aside}
    for review in registers.supplier_reviews.values():
        use_case = use_cases.by_name.get(review.use_case)
        if use_case is None:
            # One that is set aside is told by itself.
            unknown = f"there is no use case {review.use_case}"
            found = [("use_case", unknown)] if review.use_case not in aside else []
        else:
            try:
                record = use_case.record
            except RecordInvalid:
                continue  # told with the use case
            found = list(
                review_faults(review, record, registers.decided_packs, registers.people)
            )
        for name, fault in found:
            yield _in_record(
                registers.supplier_reviews,
                review,
                [name],
                f"rule 22: the decision does not hold: {fault}.",
            )


def _assessments_named(
    data_sets: DataSets, use_cases: UseCases, registers: Registers
) -> Iterator[str]:
    """Yield a fault for each DPIA or EqIA that is named and is not on record."""
    dpias = {one.contract.dpia_ref for one in data_sets.by_name.values()}
    eqias: set[str] = set()
    with suppress(RecordInvalid):
        dpias.add(registers.platform_dpia.id)
    with suppress(RecordInvalid):
        eqias.add(registers.platform_eqia.id)
    for use_case in use_cases.by_name.values():
        with suppress(RecordInvalid):
            eqias.add(use_case.eqia.id)
        with suppress(RecordInvalid):
            if use_case.dpia is not None:
                dpias.add(use_case.dpia.id)
    for data_set in data_sets.by_name.values():
        with suppress(DpiaInvalid):
            named = data_set.dpia.eqia_ref
            if named and named not in eqias:
                document, prefix = _document(data_set.dpia_path, Dpia)
                yield _told(
                    document,
                    prefix,
                    ["eqia_ref"],
                    f"the EqIA {named} is not on record.",
                )
    for register in (registers.all["model_records"], registers.all["suppliers"]):
        for record in register.values():
            for name in getattr(record, "dpia_refs", []):
                if name not in dpias:
                    text = f"the DPIA {name} is not on record."
                    yield str(_in_record(register, record, ["dpia_refs"], text))
            eqia = getattr(record, "eqia_ref", None)
            if eqia and eqia not in eqias:
                text = f"the EqIA {eqia} is not on record."
                yield str(_in_record(register, record, ["eqia_ref"], text))


def _in_record(
    register: Register, record: Record, place: Sequence[str | int], message: str
) -> Fault:
    path = register.path(record.id)
    return Fault(path, load_yaml(path).line(list(place)), message)


def _document(path: Path, model: type[Record]) -> tuple[YamlDocument, list[str | int]]:
    document = load_yaml(path)
    wrapped = model.wrapper is not None and list(document.data) == [model.wrapper]
    return document, [model.wrapper] if wrapped and model.wrapper else []
