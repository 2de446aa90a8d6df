"""Exports as pages that people read; the same documents, nothing added."""

from __future__ import annotations

from datetime import date
from typing import Any

from edp_platform.governance.pages.layout import (
    Facts,
    Items,
    Page,
    Section,
    Table,
    Text,
    label,
)
from edp_platform.publishing.exports.record_of_processing import say, spelt

_FROM = "contracts, DPIAs and registers"


def processing_page(document: dict[str, Any], on: date) -> Page:
    """Return the page of one record of processing."""
    entries = document["processing"]
    controller = document["controller"]
    officer = document["data_protection_officer"]
    sections = [
        Section(
            "Controller",
            [
                Facts(
                    "Who is responsible",
                    [
                        ("Controller", controller["name"]),
                        ("Address", controller["address"]),
                        ("E-mail", controller["email"]),
                        ("Website", controller["website"]),
                        ("Joint controllers", say(document["joint_controllers"])),
                        ("Data protection officer", officer["name"]),
                        ("The officer's e-mail", officer["email"]),
                    ],
                )
            ],
        ),
        Section(
            "All processing",
            [
                Table(
                    f"{len(entries)} processing activities",
                    ["Data set", "Purpose", "Owner", "Kept", "DPIA"],
                    [
                        [
                            one["title"],
                            one["purpose"]["title"],
                            one["owner"]["name"],
                            one["erasure"]["rule"],
                            f"{one['dpia']['id']} ({one['dpia']['status']})",
                        ]
                        for one in entries
                    ],
                )
            ],
        ),
        Section("Security of all processing", [Items(document["security_measures"])]),
    ]
    sections += [_processing(one) for one in entries]
    sections += _rest(document)
    return Page(
        title=f"Record of processing under {document['record']}",
        sections=sections,
        as_at=on,
        source=_FROM,
        intro=[
            "Each entry is one data set used for one purpose. General processing and "
            "law enforcement processing are recorded apart."
        ],
    )


def _processing(one: dict[str, Any]) -> Section:
    subjects = one["data_subjects"]
    rows: list[tuple[str, Any]] = [
        ("Purpose", f"{one['purpose']['id']}: {one['purpose']['meaning']}"),
        ("Owner", f"{one['owner']['name']}, {one['owner']['email']}"),
        *(
            (spelt(name)[:1].upper() + spelt(name)[1:], say(value))
            for name, value in one["legal_basis"].items()
        ),
        ("Categories of person", say(subjects["categories"])),
        ("Who they are", subjects["described"]),
        *(
            (
                label(data["category"]),
                f"{', '.join(data['columns'])}. Protected characteristics: "
                f"{', '.join(data['protected_characteristics']) or 'none'}.",
            )
            for data in one["personal_data"]
        ),
        ("Source", one["source"]),
        ("Recipients", one["recipients"] or "none stated in the DPIA"),
        ("Processors", say(one["processors"])),
        ("Transfers abroad", say(one["transfers"])),
        ("Profiling", one["profiling"]),
        (
            "Time limit for erasure",
            f"{one['erasure']['rule']}: {one['erasure']['keep']}",
        ),
        ("Disposal", one["erasure"]["disposal"]),
        (
            "Authority",
            f"{one['erasure']['authority']}; confirmed by "
            f"{one['erasure']['confirmed_by']}",
        ),
        ("Security measures", one["security_measures"]),
        ("Conditions", say(one["conditions"])),
        (
            "DPIA",
            f"{one['dpia']['id']} {one['dpia']['version']}, {one['dpia']['status']}, "
            f"review due {one['dpia']['review_due']}",
        ),
        ("Use cases", one["use_cases"]),
        ("Also recorded under", one["also_under"]),
    ]
    title = f"{one['title']}: {one['purpose']['title']}"
    return Section(title, [Facts(one["id"], rows)])


def _rest(document: dict[str, Any]) -> list[Section]:
    without = document["without_personal_data"]
    sections = [
        Section(
            "Data sets without personal data",
            [
                Table(
                    f"{len(without)} data sets with a signed screening",
                    ["Data set", "Why no assessment was needed", "Signed by", "Date"],
                    [
                        [one["title"], one["reason"], one["by"], one["on"]]
                        for one in without
                    ],
                )
            ],
        ),
        Section("Recorded in the other record alone", [Items(document["only_under"])]),
    ]
    if document["left_out"]:
        sections.append(_left_out(document["left_out"]))
    return sections


def _left_out(faults: list[dict[str, str]]) -> Section:
    return Section(
        "Left out",
        [
            Text(
                ["This record is incomplete: what stands below could not be read."],
                lead=True,
            ),
            Table(
                f"{len(faults)} folders or records that could not be read",
                ["Name", "Why"],
                [[one["name"], one["error"]] for one in faults],
            ),
        ],
    )


def catalogue_page(document: dict[str, Any], on: date) -> Page:
    """Return the page of the catalogue."""
    entries = document["dataset"]
    sections = [
        Section(
            "All data sets and marts",
            [
                Table(
                    f"{len(entries)} data sets and marts",
                    ["Name", "Access", "Marking", "Updated", "Last changed"],
                    [
                        [
                            one["title"],
                            one["accessRights"].lower(),
                            _marking(one),
                            one["updateFrequency"].removeprefix("freq:"),
                            one["modified"],
                        ]
                        for one in entries
                    ],
                )
            ],
        )
    ]
    for one in entries:
        temporal = one.get("temporal", {})
        rows: list[tuple[str, Any]] = [
            ("Description", one["description"]),
            ("Identifier", one["identifier"]),
            ("Publisher", one["publisher"]),
            ("Creator", one["creator"]),
            (
                "Contact",
                f"{one['contactPoint']['contactName']}, {one['contactPoint']['email']}",
            ),
            ("Access", one["accessRights"].lower()),
            ("Marking", _marking(one)),
            ("Licence", one.get("licenceAsStated") or one["licence"]),
            ("Version", one["version"]),
            ("Last changed", one["modified"]),
            ("Updated", one["updateFrequency"].removeprefix("freq:")),
            (
                "Months held",
                f"{temporal['startDate']} to {temporal['endDate']}"
                if temporal
                else "does not apply, or none yet",
            ),
            ("Keywords", one["keyword"]),
        ]
        if one.get("relatedResource"):
            rows.append(("Made from", one["relatedResource"]))
        sections.append(Section(one["title"], [Facts(one["title"], rows)]))
    if document["leftOut"]:
        sections.append(_left_out(document["leftOut"]))
    return Page(
        title=document["title"],
        sections=sections,
        as_at=on,
        source=_FROM,
        intro=[document["description"]],
    )


def _marking(one: dict[str, Any]) -> str:
    caveat = one.get("handlingCaveat")
    marking = str(one["securityClassification"])
    return f"{marking}, handling caveat {caveat}" if caveat else marking


def transparency_page(whole: dict[str, Any], organisation: str, on: date) -> Page:
    """Return the page of the algorithmic transparency records."""
    documents = whole["records"]
    sections = [
        Section(
            "All tools",
            [
                Table(
                    f"{len(documents)} tools on record",
                    ["Tool", "Phase", "What it does", "Contact"],
                    [
                        [
                            one["tier_1"]["name"],
                            one["metadata"]["phase"],
                            one["metadata"]["one_sentence_description"],
                            one["tier_1"]["contact_email"],
                        ]
                        for one in documents
                    ],
                )
            ],
        )
    ]
    for one in documents:
        name = one["tier_1"]["name"]
        sections.append(
            Section(
                name,
                [
                    Facts(f"{name}, tier 1: for everybody", _rows(one["tier_1"])),
                    *(
                        Facts(f"{name}, tier 2: {label(group).lower()}", _rows(values))
                        for group, values in one["tier_2"].items()
                    ),
                    Facts(f"{name}: about this record", _rows(one["metadata"])),
                    Text(
                        [
                            "Not stated in the register: "
                            + (", ".join(one["not_stated"]) or "nothing")
                            + "."
                        ]
                    ),
                ],
            )
        )
    if whole["left_out"]:
        sections.append(_left_out(whole["left_out"]))
    return Page(
        title=f"Algorithmic transparency records of {organisation}",
        sections=sections,
        as_at=on,
        source="the register of models and the contracts of what each model reads",
        intro=[
            "Tiers 1 and 2 of the Algorithmic Transparency Recording Standard v3.0."
        ],
    )


def _rows(values: dict[str, str]) -> list[tuple[str, Any]]:
    return [(label(name), value) for name, value in values.items()]
