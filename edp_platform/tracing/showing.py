"""A trace as a person reads it, in at most 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edp_platform.ingestion.readers.spreadsheets import SHEET_STEP

_PARTS = (
    "landed",
    "loaded",
    "quarantined",
    "set_aside",
    "superseded",
    "disposed",
    "waiting",
)
_MOST_FILES = 40


def show_trace(found: dict[str, Any], console: Console) -> None:
    """Print what `trace_any` found."""
    if found["kind"] == "mart":
        _show_mart(found, console)
    else:
        _show_file(found, console)


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False)


def _show_mart(found: dict[str, Any], console: Console) -> None:
    rows = found["mart_rows"]
    _say(
        console,
        f"[bold]marts.{found['mart']}[/]: {counted(rows, 'row')} of the copy published "
        f"{found['snapshot']['as_at']}",
    )
    for row in found["rows"]:
        values = ", ".join(f"{name} = {value}" for name, value in row.items())
        _say(console, f"  {escape(values)}")
    if found["note"]:
        _say(console, escape(found["note"]))
    if found["precision"] == "lines":
        _say(
            console,
            f"made of {counted(found['fact_rows'], 'row')} of {found['fact']}, from "
            f"{counted(found['lines'], 'line')} of "
            f"{counted(len(found['files']), 'file')}",
        )
        _show_measure(found["measure"], console)
    for one in found["files"][:_MOST_FILES]:
        _show_source(one, console)
    more = len(found["files"]) - _MOST_FILES
    if more > 0:
        _say(console, f"and {more:,} more files; --json gives all.")
    if found["lines"] and found["lines_listed"] < found["lines"]:
        _say(
            console,
            f"{found['lines_listed']:,} of {found['lines']:,} lines are listed; "
            "--limit gives more.",
        )


def _show_measure(measure: dict[str, Any] | None, console: Console) -> None:
    if measure is None:
        return
    what = "those rows" if measure["how"] == "rows" else "the sum over those rows"
    if measure["is_equal"]:
        _say(
            console,
            f"[green]adds up[/]: {measure['column']} is {measure['total']:,}, and so "
            f"is {'the number of ' if measure['how'] == 'rows' else ''}{what}",
        )
    else:
        _say(
            console,
            f"[red]does not add up[/]: {measure['column']} is {measure['total']:,}, "
            f"{what} give {measure['from_fact']:,}. The warehouse may have been built "
            "since the copy was published: edp run, then trace again.",
        )


def _show_source(one: dict[str, Any], console: Console) -> None:
    _say(console, f"\n[bold]{escape(one['name'])}[/]")
    if "sha256" in one:
        _show_receipt(one, console)
    if one["rows"] is not None:
        lines = counted(one["lines"], "line")
        _say(console, f"  rows        {one['rows']:,} from {lines}")
    if one["line_numbers"]:
        numbers = _places(one["name"], one["line_numbers"])
        rest = one["lines"] - len(one["line_numbers"])
        more = f" and {rest:,} more" if rest else ""
        _say(console, f"  lines       {numbers}{more}")


def _show_receipt(one: dict[str, Any], console: Console) -> None:
    scope = f", {one['scope']}" if one["scope"] else ""
    _say(console, f"  data set    {one['data_set']}{escape(scope)}")
    _say(console, f"  received as {escape(one['received_as'])}")
    _say(
        console,
        f"  supplier    {escape(one['supplier'])}, release {one['release_date']}, "
        f"landed {one['landed_at'][:19]}",
    )
    _say(console, f"  SHA-256     {one['sha256']}")


def _show_file(found: dict[str, Any], console: Console) -> None:
    for one in found["deliveries"]:
        _say(console, f"[bold]{escape(one['name'])}[/]")
        _show_receipt(one, console)
        if one["months"]:
            _say(console, f"  months      {_span(one['months'])}")
        _show_account(one["account"], console)
        _show_kept_out(one, console)
        for each in one["superseded"]:
            months = f" for {_span(each['months'])}" if each["months"] else ""
            by = each["by"]
            _say(
                console,
                f"superseded{months} by {escape(by['received_as'])} ({by['file']}), "
                f"release {by['release_date']}",
            )
        feeds = one["feeds"]
        goes = [*feeds["facts"], *(f"marts.{name}" for name in feeds["marts"])]
        loaded = (
            "loaded rows go to" if one["account"]["loaded"] else "its data set feeds"
        )
        _say(console, f"{loaded}: {', '.join(goes) or 'no model'}\n")


def _show_account(account: dict[str, Any], console: Console) -> None:
    table = Table("", box=None, padding=(0, 1, 0, 0))
    for part in _PARTS:
        table.add_column(part.replace("_", " "), justify="right")
    table.add_row("records", *(f"{account[part]:,}" for part in _PARTS))
    if account["cells"]:
        cells = account["cells"]
        table.add_row("cells", *(f"{cells.get(part, 0):,}" for part in _PARTS))
    console.print(table)
    if account["is_exact"]:
        _say(console, "[green]exact[/]: every record is accounted for")
    else:
        _say(
            console,
            "[red]not exact[/]: the records do not add up. Load its months again "
            "(edp backfill … --rebuild); if it stays so, report it.",
        )


def _show_kept_out(one: dict[str, Any], console: Console) -> None:
    quarantined, set_aside = one["quarantined"], one["set_aside"]
    if quarantined["lines"]:
        _say(console, f"quarantined: {counted(quarantined['lines'], 'line')}")
        for row in quarantined["listed"]:
            month = (
                f" ({row['month']})" if row["month"] and len(one["months"]) > 1 else ""
            )
            _say(console, f"  line {row['line']}{month}: {escape(row['reason'])}")
        rest = sum(quarantined["by_reason"].values()) - len(quarantined["listed"])
        if rest:
            _say(console, f"  and {rest:,} more; --limit gives more")
    if set_aside["lines"]:
        repeats = counted(set_aside["lines"], "line")
        _say(console, f"set aside as exact repeats: {repeats}")
        for row in set_aside["listed"]:
            _say(console, f"  line {row['line']} repeats line {row['repeats_line']}")
        rest = set_aside["lines"] - len(set_aside["listed"])
        if rest > 0:
            _say(console, f"  and {rest:,} more; --limit gives more")


def _span(months: Sequence[str]) -> str:
    return months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"


def counted(number: int, what: str) -> str:
    """Return "1 line", "2,000 lines"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _places(name: str, numbers: Sequence[int]) -> str:
    """Return line numbers; of a workbook, which has none, sheets and rows."""
    if not name.lower().endswith((".xls", ".xlsx")):
        return ranges(numbers)
    sheets: dict[int, list[int]] = {}
    for number in numbers:
        position, row = divmod(number, SHEET_STEP)
        sheets.setdefault(position, []).append(row)
    return "; ".join(
        f"sheet {position + 1}: row{'' if len(rows) == 1 else 's'} {ranges(rows)}"
        for position, rows in sheets.items()
    )


def ranges(numbers: Sequence[int]) -> str:
    """Return sorted whole numbers in short: 2, 5-9, 12."""
    parts: list[str] = []
    start = last = None
    for number in [*numbers, None]:
        if last is not None and number == last + 1:
            last = number
            continue
        if start is not None:
            parts.append(str(start) if start == last else f"{start}-{last}")
        start = last = number
    return ", ".join(parts)
