"""Why figures changed, as JSON and as a person reads it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edp_platform.measures.explaining import CAUSES, Figure
from edp_platform.measures.explaining import as_json as parts_as_json
from edp_platform.measures.explaining_change import Changed, Explained
from edp_platform.measures.reading import number

ORDER = (
    "Each part is what one cause changed, the causes taken in this order: "
    f"{', '.join(list(CAUSES)[:-1])}. Of a rate or a proportion the value is divided by "
    "Shapley's value, which depends on no order."
)
_MOST = 40


def as_json(found: Explained) -> dict[str, Any]:
    """Return it ready for JSON."""
    return {
        "measure": found.measure,
        "from": {"snapshot": found.before.snapshot, "as_at": found.before.as_at},
        "to": {"snapshot": found.after.snapshot, "as_at": found.after.as_at},
        "figures": found.cells,
        "only_later": found.first,
        "only_earlier": found.gone,
        "changed": [_changed(one) for one in found.changed],
        "beneath": found.beneath,
        "code": found.code,
        "is_redefined": found.is_redefined,
        "notes": found.notes,
        "method": ORDER,
    }


def _changed(one: Changed) -> dict[str, Any]:
    kind, code, month = one.cell
    return {
        "area_kind": kind,
        "area_code": code,
        "area": one.area,
        "month": month,
        "from": vars(one.before),
        "to": vars(one.after),
        "change": vars(_change(one)),
        "parts": parts_as_json(one.parts),
    }


def _change(one: Changed) -> Figure:
    return Figure(
        *(
            None
            if None
            in (before := getattr(one.before, name), after := getattr(one.after, name))
            else after - before
            for name in ("numerator", "denominator", "value")
        )
    )


def show(found: Explained, title: str, unit: str, area: str, console: Console) -> None:
    """Print it: a table of the changed figures, a column for each cause."""

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    say(
        f"[bold]{escape(title)}[/], {escape(area)}: {found.before.snapshot} to "
        f"{found.after.snapshot}"
    )
    if not found.changed:
        say(f"None of the {found.cells:,} figures that both hold differs.")
    else:
        causes = [
            cause
            for cause in CAUSES
            if any(_is_something(one, cause) for one in found.changed)
        ]
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for head in ("period", "was", "is", "change", *causes):
            table.add_column(head, justify="right", overflow="fold")
        for one in found.changed[-_MOST:]:
            change = _change(one)
            table.add_row(
                one.cell[2][:7],
                number(one.before.value),
                number(one.after.value),
                _signed(change.value),
                *(
                    _signed(one.parts[cause].value if cause in one.parts else None)
                    for cause in causes
                ),
            )
        console.print(table)
        say(f"In {escape(unit)}. The parts add up to the change. {ORDER}")
        if len(found.changed) > _MOST:
            say(f"The last {_MOST} of {len(found.changed):,}; --json gives all.")
    for file in found.beneath[:_MOST]:
        say(
            f"{file['data_set']} {file['month']}: {_files(file)}; "
            f"{', '.join(file['kinds']) or 'no row differs'}"
        )
    if found.is_redefined:
        say("The measure's definition differs between the two.")
    if found.code:
        say(f"Models that differ: {', '.join(found.code)}.")
    if found.first:
        say(f"{found.first:,} figures were first published since.")
    if found.gone:
        say(f"{found.gone:,} figures are published no more.")
    for note in found.notes:
        say(f"[yellow]{escape(note)}[/]")


def _is_something(one: Changed, cause: str) -> bool:
    part = one.parts.get(cause)
    return part is not None and any((part.numerator, part.denominator, part.value))


def _files(one: dict[str, Any]) -> str:
    before = ", ".join(one["files_before"]) or "no file"
    after = ", ".join(one["files_after"]) or "no file"
    return before if before == after else f"{before} → {after}"


def _signed(value: float | None) -> str:
    if not value:
        return "0" if value == 0 else "-"
    return f"+{number(value)}" if value > 0 else number(value)
