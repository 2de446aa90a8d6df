"""Every record as a page, linked, with an index: what people read instead of YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from edp_platform.datasets import DataSet, DataSets
from edp_platform.files import read_json, replacing, write_json
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.governance.pages.charts import plan_and_actual
from edp_platform.governance.pages.layout import (
    Chart,
    Facts,
    Link,
    Page,
    Section,
    Table,
    Text,
    render,
)
from edp_platform.governance.pages.record_page import linked, record_page
from edp_platform.governance.records.base import Record, RecordInvalid
from edp_platform.governance.records.use_case import UseCaseRecord
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, UseCases

#: Lists the pages of the last time, so that one of a record that is gone is removed.
_MADE = "pages.json"
#: A page of the set, relative to its folder.
_PAGE = re.compile(r"[a-z_]+/[A-Za-z0-9-]+\.html")
#: Folder of pages → its heading on the index, in the order of the index.
_KINDS = {
    "use_cases": "Use cases",
    "dpias": "Data protection impact assessments",
    "eqias": "Equality impact assessments",
    "purposes": "Purposes",
    "policy_documents": "Appropriate policy documents",
    "retention_schedule": "Retention schedule",
    "problem_book": "Problem book",
    "model_records": "Model records",
    "evaluations": "Evaluations",
    "suppliers": "Suppliers",
    "supplier_reviews": "Supplier reviews",
    "grants": "Grants",
    "platform_reviews": "Platform reviews",
    "legacy_services": "Legacy services",
    "teams": "Teams",
    "people": "People",
    "prices": "Prices",
    "sign_in": "Sign-in",
    "organisation": "Organisation",
}


@dataclass(frozen=True)
class Entry:
    """One record that has a page.

    Attributes:
        kind: folder of pages; see `_KINDS`.
        record: what it says.
        title: in words.
        source: the file, from the folder of registers or of definitions.
        extra: sections that stand before the record's own.
        also: other names that lead to its page, such as a data set's folder.
    """

    kind: str
    record: Record
    title: str
    source: str
    extra: tuple[Section, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id that other records name it by."""
        return self.record.id


@dataclass(frozen=True)
class Records:
    """Every record of the platform, and why others could not be read."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]


def all_records(home: Home) -> Records:
    """Read every record: of registers, data sets and use cases.

    A record that cannot be read is a fault and has no page; the others go on.
    """
    registers = Registers(home.made_on)
    data_sets = DataSets.load(home)
    use_cases = UseCases.load(home, registers=registers)
    entries: list[Entry] = []
    # A folder that is set aside is told by both loaders where both look at it.
    faults = [
        f"{one.folder}: {one.error}"
        for one in (*data_sets.set_aside, *use_cases.set_aside)
    ]
    faults += registers.faults()
    for name, data_set in sorted(data_sets.by_name.items()):
        try:
            entries.append(_of_data_set(name, data_set))
        except DpiaInvalid as error:
            faults.append(str(error))
    for name, folder in sorted(use_cases.by_name.items()):
        more, wrong = _of_use_case(name, folder)
        entries += more
        faults += wrong
    entries += _of_registers(registers)
    lines = [line for fault in faults for line in fault.splitlines()]
    return Records(tuple(entries), tuple(dict.fromkeys(lines)))


def _of_data_set(name: str, data_set: DataSet) -> Entry:
    contract = data_set.contract
    dpia = data_set.dpia
    scope = dpia.scope.of(contract.id) if dpia.scope else None
    covered = set(scope.columns) if scope else set()
    facts = Facts(
        f"{name}: its contract",
        [
            ("Folder", name),
            ("Contract", f"{contract.id} {contract.version}"),
            ("Owner", list(contract.owners)),
            ("Purpose", contract.purpose),
            ("What one row is", contract.granularity),
            ("Limits", contract.limitations),
            ("Regime", "law enforcement" if contract.regime == "part3" else "general"),
            ("Supplier", contract.supplier),
            ("Licence", contract.licence),
            ("Retention rule", contract.retention_rule),
        ],
    )
    columns = Table(
        f"{len(contract.columns)} columns",
        ["Column", "Meaning", "Classification", "Identifies", "DPIA"],
        [
            [
                one.name,
                one.description,
                one.classification,
                one.identifier_class,
                "covered" if one.name in covered else "not covered",
            ]
            for one in contract.columns
        ],
    )
    return Entry(
        "dpias",
        dpia,
        dpia.title or contract.name,
        f"defs/datasets/{name}/{data_set.dpia_path.name}",
        (Section("The data set", [facts, columns]),),
        also=(name, contract.id),
    )


def _of_use_case(name: str, folder: UseCaseFolder) -> tuple[list[Entry], list[str]]:
    found: list[Entry] = []
    faults = []
    stated = folder.stated
    facts = Facts(
        f"{name}: what the platform builds today",
        [
            ("Title", stated.title),
            ("Aims", list(stated.aim)),
            ("Product owner", stated.product_owner),
            ("Stage", stated.stage),
            ("Sprint", stated.sprint.number),
            ("Supplier", stated.sprint.supplier or "none"),
            ("Data sets", list(stated.uses)),
            ("Purposes", list(stated.purposes)),
        ],
    )
    try:
        record = folder.record
        today: list[Section] = [Section("Today", [facts]), _sprints(record)]
        source = f"defs/{name}/{folder.record_path.name}"
        found.append(Entry("use_cases", record, stated.title, source, tuple(today)))
    except RecordInvalid as error:
        faults.append(str(error))
    try:
        title = f"Equality: {stated.title}"
        source = f"defs/{name}/{folder.eqia_path.name}"
        found.append(Entry("eqias", folder.eqia, title, source))
    except RecordInvalid as error:
        faults.append(str(error))
    try:
        if folder.dpia is not None:
            title = folder.dpia.title or f"Data protection: {stated.title}"
            source = f"defs/{name}/{stated.dpia}"
            found.append(Entry("dpias", folder.dpia, title, source))
    except RecordInvalid as error:
        faults.append(str(error))
    return found, faults


def _sprints(record: UseCaseRecord) -> Section:
    """Return plan against actual, of the sprints of which both are on record."""
    rows = [
        (
            f"sprint {one.number}",
            one.budget_pounds,
            one.spent.pounds if one.spent else None,
        )
        for one in record.sprints
    ]
    if not rows:
        return Section("Plan and actual", [Text(["No sprint is on record."])])
    told = [
        f"{name}: planned £{planned:,.0f}, spent "
        + ("not recorded" if spent is None else f"£{spent:,.0f}")
        for name, planned, spent in rows
    ]
    summary = "; ".join(told) + "."
    return Section(
        "Plan and actual",
        [
            Chart(
                "Pounds planned and spent",
                summary[:1].upper() + summary[1:],
                plan_and_actual("Pounds planned and spent", summary, rows, "pounds"),
                Table(
                    "Pounds and days by sprint",
                    ["Sprint", "Budget", "Spent", "Days planned", "Delivered"],
                    [
                        [
                            one.number,
                            f"£{one.budget_pounds:,.0f}",
                            f"£{one.spent.pounds:,.0f}"
                            if one.spent
                            else "not recorded",
                            one.planned_days,
                            one.delivered_on or "not yet",
                        ]
                        for one in record.sprints
                    ],
                    frozenset({1, 2, 3}),
                ),
            )
        ],
    )


def _of_registers(registers: Registers) -> list[Entry]:
    found = []
    for name, register in registers.all.items():
        for identity, record in register.items():
            found.append(
                Entry(
                    name,
                    record,
                    _title(record),
                    f"registers/{name}/{register.path(identity).name}",
                )
            )
    for kind, name, file in (
        ("dpias", "platform_dpia", "dpia_platform.yaml"),
        ("eqias", "platform_eqia", "eqia_platform.yaml"),
        ("prices", "prices", "prices.yaml"),
        ("organisation", "organisation", "organisation.yaml"),
        ("sign_in", "sign_in", "personas.yaml"),
    ):
        try:
            record = getattr(registers, name)
        except RecordInvalid:
            continue  # already among the registers' faults
        found.append(Entry(kind, record, _title(record), f"registers/{file}"))
    return found


def _title(record: Record) -> str:
    for name in ("title", "name"):
        value = getattr(record, name, None)
        if value:
            return str(value)
    return f"{record.register[:1].upper()}{record.register[1:]} {record.id}"


def pages(records: Records, as_at: date) -> dict[str, Page]:
    """Return path → page, the index among them.

    Args:
        records: that were read.
        as_at: the day that "overdue" counts from.

    Returns:
        paths relative to the folder of the set, in the order of the index.
    """
    paths = _paths(records.entries)
    placed = list(zip(records.entries, paths, strict=True))
    by_id = {name: path for entry, path in placed for name in entry.also}
    # An id leads to its own record, whatever else is named so.
    by_id |= {entry.id: path for entry, path in placed}
    found: dict[str, Page] = {"index.html": _index(records, paths, as_at)}
    links = {identity: f"../{path}" for identity, path in by_id.items()}
    for entry, path in placed:
        # A page does not lead to itself.
        own = {one: href for one, href in links.items() if href != f"../{path}"}
        page = record_page(
            entry.record,
            title=entry.title,
            register=type(entry.record).register,
            source=entry.source,
            as_at=as_at,
            links=own,
            trail=[
                Link("All records", "../index.html"),
                Link(_KINDS[entry.kind], f"../index.html#{_anchor(entry.kind)}"),
            ],
        )
        if entry.extra:
            summary, *rest = page.sections
            extra = [linked(section, own) for section in entry.extra]
            page = replace(page, sections=[summary, *extra, *rest])
        found[path] = page
    return found


def _paths(entries: Sequence[Entry]) -> list[str]:
    """Return a path for each record: letters, digits and hyphens, each once.

    An id is text that somebody wrote: it must not lead out of the folder.
    """
    taken: set[str] = set()
    found = []
    for entry in entries:
        name = re.sub(r"[^A-Za-z0-9]+", "-", entry.id).strip("-") or "record"
        path, nth = f"{entry.kind}/{name}.html", 1
        while path.lower() in taken:
            nth += 1
            path = f"{entry.kind}/{name}-{nth}.html"
        taken.add(path.lower())
        found.append(path)
    return found


def _anchor(kind: str) -> str:
    return Section(_KINDS[kind], []).anchor


def _index(records: Records, paths: Sequence[str], as_at: date) -> Page:
    sections = []
    overdue = [
        (entry, path, due)
        for entry, path in zip(records.entries, paths, strict=True)
        if (due := due_on(entry.record)) is not None and due < as_at
    ]
    if overdue:
        sections.append(
            Section(
                "Overdue",
                [
                    Table(
                        f"Records whose review is overdue: {len(overdue)}",
                        ["Record", "Kind", "Was due"],
                        [
                            [Link(entry.title, path), _KINDS[entry.kind], due]
                            for entry, path, due in overdue
                        ],
                    )
                ],
            )
        )
    if records.faults:
        sections.append(
            Section(
                "Records that cannot be read",
                [
                    Table(
                        f"Faults found: {len(records.faults)}",
                        ["Fault"],
                        [[fault] for fault in records.faults],
                    )
                ],
            )
        )
    for kind, heading in _KINDS.items():
        rows = [
            [
                Link(entry.title, path),
                entry.id,
                _state(entry.record),
                _due(entry, as_at),
            ]
            for entry, path in zip(records.entries, paths, strict=True)
            if entry.kind == kind
        ]
        if rows:
            sections.append(
                Section(
                    heading,
                    [
                        Table(
                            f"{heading}: {len(rows)}",
                            ["Record", "Reference", "State", "Review due"],
                            rows,
                        )
                    ],
                )
            )
    return Page(
        title="Records of governance",
        sections=sections,
        as_at=as_at,
        source="the registers, and the folders of data sets and use cases",
        intro=[
            "Who answers for what, on which ground data is used, and what was decided."
        ],
    )


def due_on(record: Record) -> date | None:
    """Return the day a record must be looked at again; None where it has none."""
    review = getattr(record, "review", None)
    found = getattr(review, "due", None) or getattr(record, "review_due", None)
    return found if isinstance(found, date) else None


def _due(entry: Entry, as_at: date) -> Any:
    due = due_on(entry.record)
    if due is None:
        return "no review"
    if due < as_at:
        return f"{due.day} {due:%B %Y} (overdue)"
    return due


def _state(record: Record) -> str:
    for name in ("status", "decision", "outcome", "regime", "role", "basis"):
        value = getattr(record, name, None)
        if isinstance(value, str) and len(value) < 40:
            return value.replace("_", " ")
    return "on record"


def write_pages(records: Records, folder: Path, as_at: date) -> list[Path]:
    """Write the set; remove pages of an earlier set whose record is gone.

    Args:
        records: that were read.
        folder: where to write; other files in it are left alone.
        as_at: the day that "overdue" counts from.

    Returns:
        every page, the index first.

    Raises:
        WriteFailed: the folder cannot be written.
    """
    made = pages(records, as_at)
    written = []
    for name, page in made.items():
        target = folder / name
        with replacing(target) as temporary:
            temporary.write_text(render(page), encoding="utf-8", newline="\n")
        written.append(target)
    _remove(folder, read_json(folder / _MADE, []), made)
    write_json(folder / _MADE, sorted(made))
    return written


def _remove(folder: Path, before: Iterable[Any], made: dict[str, Page]) -> None:
    for name in before:
        # Only what this wrote: the list could have been edited to lead elsewhere.
        is_ours = isinstance(name, str) and _PAGE.fullmatch(name) is not None
        if is_ours and name not in made:
            (folder / name).unlink(missing_ok=True)
