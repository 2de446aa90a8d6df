"""The evidence pack as a page: each chart with its table, each gap told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from edp_platform.governance.pages.charts import Series, plan_and_actual, stacked_bars
from edp_platform.governance.pages.layout import (
    Chart,
    Facts,
    Items,
    Page,
    Section,
    Table,
    Text,
    words,
)
from edp_platform.governance.review_pack.pack import headline

#: Parts of the cost that the page shows one by one.
_LARGEST = 15


def pack_page(pack: Mapping[str, Any], sha256: str) -> Page:
    """Return the page of a pack.

    Args:
        pack: as `build_pack` made it.
        sha256: of its file, which a decision names as its evidence.
    """
    sprint = pack["sprint"]
    sections = [
        _summary(pack, sha256),
        _delivered(pack),
        _checks(pack),
        _freshness(pack),
        _plan(pack),
        _cost(pack),
        _assessments(pack),
        _quarantine(pack),
        _changes(pack),
        Section("What could not be found", [Items(pack["not_found"])]),
        _decision(pack, sha256),
    ]
    return Page(
        title=f"Evidence pack: {pack['title']}, sprint {sprint['number']}",
        sections=sections,
        as_at=date.fromisoformat(pack["made_on"]),
        source="Dagster's record of runs, receipts, registers and version control",
        intro=[
            "What really happened in the sprint's days, for the decision of commercial "
            "services whether the next sprint may begin."
        ],
    )


def _summary(pack: Mapping[str, Any], sha256: str) -> Section:
    sprint, covers = pack["sprint"], pack["covers"]
    over = "" if covers["is_over"] else " The sprint is not over."
    supplier = (
        f"{sprint['supplier']}: {sprint['supplier_name']}"
        if sprint["supplier"]
        else "none: the force's own people"
    )
    return Section(
        "Summary",
        [
            Text([" ".join(headline(pack)) + over], lead=True),
            Facts(
                "The sprint",
                [
                    ("Use case", f"{pack['title']} ({pack['use_case']})"),
                    ("Goal", sprint["goal"]),
                    ("Supplier", supplier),
                    ("Project lead", sprint["project_lead"]),
                    ("Product owner", pack["product_owner"]),
                    ("Stage", pack["stage"]),
                    ("Planned", f"{_day(sprint['starts'])} to {_day(sprint['ends'])}"),
                    (
                        "Delivered",
                        _day(sprint["delivered_on"])
                        if sprint["delivered_on"]
                        else "not yet",
                    ),
                    ("Accepted by the business lead", _acceptance(sprint)),
                    (
                        "Days this pack covers",
                        f"{_day(covers['first'])} to {_day(covers['last'])}",
                    ),
                    ("SHA-256 of the pack", sha256),
                ],
            ),
        ],
    )


def _acceptance(sprint: Mapping[str, Any]) -> str:
    accepted = sprint["acceptance"]
    if accepted is None:
        return "no decision on record"
    note = f": {accepted['note']}" if accepted.get("note") else ""
    decision = accepted["decision"].replace("_", " ")
    return f"{decision}, {_day(accepted['on'])}, by {accepted['by']}{note}"


def _delivered(pack: Mapping[str, Any]) -> Section:
    made = pack["delivered"]
    return Section(
        "What was delivered",
        [
            Table(
                f"{len(made)} assets made in the sprint",
                ["Asset", "Runs", "Months", "First made", "Rows", "Last made"],
                [
                    [
                        one["asset"],
                        one["times"],
                        _months(one["months"]),
                        "in this sprint" if one["is_new"] else "before",
                        "not stated" if one["rows"] is None else one["rows"],
                        words(datetime.fromisoformat(one["last_made"])),
                    ]
                    for one in made
                ],
                frozenset({1, 4}),
            ),
            Table(
                "Planned deliverables",
                ["Deliverable", "What the record shows"],
                [[one["what"], one["state"]] for one in pack["deliverables"]],
            ),
            Facts(
                "Assets of the use case that were not made in these days",
                [(asset, "not made") for asset in pack["not_made"]],
            ),
        ],
    )


def _months(months: Sequence[str]) -> str:
    if not months:
        return "no months"
    if len(months) == 1:
        return months[0]
    return f"{len(months)}, from {months[0]} to {months[-1]}"


def _checks(pack: Mapping[str, Any]) -> Section:
    checks = pack["checks"]
    days = checks["by_day"]
    table = Table(
        "Checks by day",
        ["Day", "Passed", "Warned", "Failed"],
        [
            [_day(one["day"]), one["passed"], one["warned"], one["failed"]]
            for one in days
        ],
        frozenset({1, 2, 3}),
    )
    summary = (
        f"{checks['passed']:,} passed, {checks['warned']:,} warned and "
        f"{checks['failed']:,} failed, of {checks['distinct']:,} different checks on "
        f"{len(days)} days; {checks['failing_now']:,} failed when last asked."
    )
    blocks: list[Any] = [
        Chart(
            "Checks by day",
            summary,
            stacked_bars(
                "Checks by day",
                summary,
                [_day(one["day"]) for one in days],
                [
                    Series("passed", "plain", [one["passed"] for one in days]),
                    Series("warned", "dots", [one["warned"] for one in days]),
                    Series("failed", "stripes", [one["failed"] for one in days]),
                ],
                "checks",
            ),
            table,
        )
        if days
        else Text(["No check was asked in these days."])
    ]
    troubled = [one for one in checks["by_check"] if one["warned"] or one["failed"]]
    blocks.append(
        Table(
            f"{len(troubled)} checks that warned or failed at least once",
            ["Check", "Asset", "Whose", "Passed", "Warned", "Failed", "Last"],
            [
                [
                    one["check"],
                    one["asset"],
                    "its own" if one["is_own"] else "shared",
                    one["passed"],
                    one["warned"],
                    one["failed"],
                    one["last"],
                ]
                for one in troubled
            ],
            frozenset({3, 4, 5}),
        )
    )
    runs = pack["runs"]
    blocks.append(
        Facts(
            "Runs of the whole platform in these days",
            [
                ("Runs", runs["count"]),
                *(
                    (status.lower(), count)
                    for status, count in runs["by_status"].items()
                ),
                ("Seconds in all", runs["seconds"]),
                ("Runs without an end on record", runs["without_end"]),
            ],
        )
    )
    return Section("Checks", blocks)


def _freshness(pack: Mapping[str, Any]) -> Section:
    fresh = pack["freshness"]
    return Section(
        "Freshness",
        [
            Text(
                [
                    f"{fresh['promised']} months of the data sets it reads were promised "
                    f"within these days: {fresh['kept']} came in time, {fresh['late']} "
                    f"late, {fresh['missing']} not at all. Counted to the day a file was "
                    "landed."
                ]
            ),
            Table(
                "Months promised within these days",
                ["Data set", "Month", "Promised by", "Landed", "Result", "Days late"],
                [
                    [
                        one["data_set"],
                        one["month"],
                        _day(one["due"]),
                        _day(one["landed"]) if one["landed"] else "not landed",
                        one["state"],
                        one["days_late"],
                    ]
                    for one in fresh["promises"]
                ],
                frozenset({5}),
            ),
        ],
    )


def _plan(pack: Mapping[str, Any]) -> Section:
    days, pounds = pack["plan"]["days"], pack["plan"]["pounds"]
    so_far = "" if days["is_delivered"] else " so far"
    blocks = []
    for name, unit, one in (("Days", "days", days), ("Pounds", "pounds", pounds)):
        actual = one["actual"]
        told = "not recorded" if actual is None else f"{actual:,.0f}{so_far}"
        summary = f"Planned {one['planned']:,.0f}, actual {told}."
        blocks.append(
            Chart(
                f"{name}: plan and actual",
                summary,
                plan_and_actual(
                    f"{name}: plan and actual",
                    summary,
                    [(f"sprint {pack['sprint']['number']}", one["planned"], actual)],
                    unit,
                ),
                Table(
                    f"{name}: plan and actual",
                    ["Sprint", "Planned", "Actual", "Difference"],
                    [
                        [
                            pack["sprint"]["number"],
                            f"{one['planned']:,.0f}",
                            told,
                            "not known"
                            if actual is None
                            else f"{actual - one['planned']:+,.0f}",
                        ]
                    ],
                    frozenset({1, 2, 3}),
                ),
            )
        )
    as_of = pounds["as_of"]
    note = (
        f"Pounds are those the programme office recorded on {_day(as_of)}."
        if as_of
        else "Nobody recorded pounds spent."
    )
    return Section("Plan and actual", [*blocks, Text([note])])


def _cost(pack: Mapping[str, Any]) -> Section:
    cost = pack["cost"]
    title = "Cost of running and keeping"
    if cost is None:
        return Section(title, [Text(["There is no price list, so no cost is known."])])
    prices = cost["prices"]
    lines = sorted(
        [*cost["run"], *cost["storage"]],
        key=lambda one: (-one["pounds"], one["what"]),
    )
    rest = lines[_LARGEST:]
    return Section(
        title,
        [
            Text(
                [
                    f"Running took {cost['run_seconds']:,.1f} seconds, "
                    f"£{cost['run_pounds']:,.4f}; keeping {_bytes(cost['stored_bytes'])} "
                    f"for {cost['days']} days, £{cost['storage_pounds']:,.4f}. What "
                    "several use cases share is divided equally among them. Bytes were "
                    f"measured on {_day(cost['stored_measured_on'])}.",
                    f"Prices: £{prices['run_hour']:,.4f} for an hour of a run, "
                    f"£{prices['stored_gigabyte_month']:,.4f} for a gigabyte a month. "
                    f"{prices['source']}",
                ]
            ),
            Table(
                f"The {min(len(lines), _LARGEST)} largest of {len(lines)} parts of the "
                "cost (the JSON beside this page has all)",
                ["What", "Quantity", "Shared by", "Pounds"],
                [
                    *([_line(one) for one in lines[:_LARGEST]]),
                    *(
                        [
                            [
                                f"{len(rest)} others",
                                "mixed",
                                "mixed",
                                f"{sum(one['pounds'] for one in rest):,.6f}",
                            ]
                        ]
                        if rest
                        else []
                    ),
                ],
                frozenset({1, 3}),
            ),
        ],
    )


def _line(one: Mapping[str, Any]) -> list[str]:
    is_bytes = one["unit"] == "bytes"
    plural = "" if one["shared_by"] == 1 else "s"
    return [
        one["what"],
        _bytes(one["quantity"]) if is_bytes else f"{one['quantity']:,.2f} s",
        f"{one['shared_by']} use case{plural}",
        f"{one['pounds']:,.6f}",
    ]


def _assessments(pack: Mapping[str, Any]) -> Section:
    eqia = pack["eqia"]
    others = [*([eqia] if eqia else []), *pack["overarching"]]
    return Section(
        "DPIAs and equality",
        [
            Table(
                "The DPIA of each data set it reads",
                ["Data set", "DPIA", "Status", "Review due", "Gate today"],
                [
                    [
                        one["title"],
                        one["dpia"],
                        one["status"],
                        _due(one),
                        "shut: " + " ".join(one["refusals"])
                        if one["refusals"]
                        else "open",
                    ]
                    for one in pack["dpias"]
                ],
            ),
            Table(
                "Equality impact assessment, and the overarching assessments",
                ["Assessment", "Status", "Review due", "Last review", "After delivery"],
                [
                    [
                        one["id"],
                        one["status"],
                        _day(one["review_due"]) if one["review_due"] else "not stated",
                        _day(one["reviewed"]) if one["reviewed"] else "never",
                        one["note"] or "does not apply",
                    ]
                    for one in others
                ],
            ),
        ],
    )


def _due(one: Mapping[str, Any]) -> str:
    if one["review_due"] is None:
        return "not known: the DPIA cannot be read"
    overdue = " (overdue)" if one["is_overdue"] else ""
    return f"{_day(one['review_due'])}{overdue}"


def _quarantine(pack: Mapping[str, Any]) -> Section:
    rows = [one for one in pack["quarantine"] if one["landed"] or one["quarantined"]]
    reasons = [
        [one["data_set"], reason, lines]
        for one in rows
        for reason, lines in one["by_reason"].items()
    ]
    return Section(
        "Quarantine",
        [
            Table(
                "Records landed in these days, and lines set aside of them",
                ["Data set", "Landed", "Quarantined"],
                [[one["data_set"], one["landed"], one["quarantined"]] for one in rows],
                frozenset({1, 2}),
            ),
            Table(
                "Why lines were set aside",
                ["Data set", "Reason", "Lines"],
                reasons,
                frozenset({2}),
            ),
        ],
    )


def _changes(pack: Mapping[str, Any]) -> Section:
    found = pack["changes"]
    if found is None:
        blocks: list[Any] = [Text(["No version control could be asked."])]
    else:
        blocks = [
            Table(
                f"{len(found)} changes to the use case's own folders",
                ["Change", "Day", "What", "Files"],
                [
                    [one["commit"][:10], _day(one["on"]), one["subject"], one["files"]]
                    for one in found
                ],
                frozenset({3}),
            )
        ]
    return Section("Changes in version control", blocks)


def _decision(pack: Mapping[str, Any], sha256: str) -> Section:
    decision = pack["decision"]
    record = pack["next"]["record"]
    if decision is None:
        return Section(
            "Decision",
            [
                Text(
                    [
                        "No decision is on record. Commercial services decide: continue, "
                        "stop or remediate. Without `continue` the supplier's next "
                        "sprint cannot run (rule 22).",
                        f"It stands in {record}, with this pack beside it; edp review "
                        f"decide writes both. SHA-256 of the pack: {sha256}.",
                    ]
                )
            ],
        )
    return Section(
        "Decision",
        [
            Facts(
                f"{decision['id']}, in {record}",
                [
                    ("Decision", decision["decision"]),
                    ("Why", decision["reason"]),
                    ("By", decision["reviewer"]),
                    ("Date", _day(decision["on"])),
                    ("Evidence", decision["evidence"]),
                ],
            )
        ],
    )


def _day(text: str) -> str:
    found = date.fromisoformat(text[:10])
    return f"{found.day} {found:%B %Y}"


def _bytes(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.2f} {unit}"
    return f"{count:,.0f} bytes"
