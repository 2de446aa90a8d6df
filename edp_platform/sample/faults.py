"""Lines that a reader must quarantine: what is done to their bytes, and the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

TOO_FEW_FIELDS = "too_few_fields"
TOO_MANY_FIELDS = "too_many_fields"
NOT_UTF8 = "not_utf8"
UNREADABLE_DATE = "unreadable_date"
NOT_A_NUMBER = "not_a_number"
WRONG_MONTH = "wrong_month"


@dataclass(frozen=True)
class LineFault:
    """Damage to one line.

    Attributes:
        line: 1-based line number in the file; the header is line 1.
        reason: Why the row must be quarantined, one of the constants of this module.
        column: The header of the damaged column, or None for the whole line.
        change: Turns the line's bytes, without line end, into the damaged ones.
    """

    line: int
    reason: str
    column: str | None
    change: Callable[[bytes], bytes]

    def as_truth(self) -> dict[str, object]:
        """Return what the truth file says of it."""
        return {"line": self.line, "reason": self.reason, "column": self.column}


def too_few_fields(line: int, kept: int) -> LineFault:
    """Cut the line off after ``kept`` fields."""
    return LineFault(
        line,
        TOO_FEW_FIELDS,
        None,
        lambda text: b",".join(text.split(b",")[:kept]),
    )


def too_many_fields(line: int) -> LineFault:
    """Add two fields at the end of the line."""
    return LineFault(line, TOO_MANY_FIELDS, None, lambda text: text + b",surplus,field")


def not_utf8(line: int, column: str, position: int) -> LineFault:
    """Put a Latin-1 accent in a field, which is no valid UTF-8."""
    return LineFault(
        line, NOT_UTF8, column, _replacing(position, b"On or near Caf\xe9 Row")
    )


def unreadable_date(line: int, column: str, position: int) -> LineFault:
    """Replace a date by one that no calendar has."""
    return LineFault(
        line, UNREADABLE_DATE, column, _replacing(position, b"31/02/20xx 25:61")
    )


def not_a_number(
    line: int, column: str, position: int, text: bytes = b"unknown"
) -> LineFault:
    """Replace a number by something that is none."""
    return LineFault(line, NOT_A_NUMBER, column, _replacing(position, text))


def wrong_month(line: int, column: str, position: int, month: str) -> LineFault:
    """Replace the row's month by one that is not the file's."""
    return LineFault(line, WRONG_MONTH, column, _replacing(position, month.encode()))


def _replacing(position: int, value: bytes) -> Callable[[bytes], bytes]:
    def change(text: bytes) -> bytes:
        # Only lines without quotes are chosen, so a comma always parts two fields.
        fields = text.split(b",")
        fields[position] = value
        return b",".join(fields)

    return change


def damage_lines(data: bytes, faults: list[LineFault], line_end: bytes) -> bytes:
    """Return the file's bytes with the faults applied.

    Args:
        data: The whole file.
        faults: At most one a line.
        line_end: What ends each line.

    Raises:
        ValueError: A fault names a line that the file does not have.
    """
    lines = data.split(line_end)
    for fault in faults:
        if not 2 <= fault.line <= len(lines):
            raise ValueError(
                f"Cannot plant {fault.reason} at line {fault.line}: the file has "
                f"{len(lines)} lines. Choose a line inside the file."
            )
        lines[fault.line - 1] = fault.change(lines[fault.line - 1])
    return line_end.join(lines)


def decimal_point(line: int, column: str) -> LineFault:
    """Write the line's first quoted number with a point where a comma belongs."""

    def change(text: bytes) -> bytes:
        before, number, after = text.split(b'"', 2)
        return before + b'"' + number.replace(b",", b".") + b'"' + after

    return LineFault(line, NOT_A_NUMBER, column, change)
