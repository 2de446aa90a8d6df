"""Text tables: split a CSV into records, losing none and knowing every line.

polars fills a short row with nulls and, asked to, cuts a long one: both hide damage.
So the structure is checked first, on whole columns of lines, and only sound records
are parsed; the others go to quarantine with their text.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

_BOM = b"\xef\xbb\xbf"
#: A longer record is damage (a lost quote, a pasted document), not a row.
MAX_RECORD_CHARACTERS = 1_000_000
#: A quoted field may run over this many lines; further, the quote was lost.
MAX_RECORD_LINES = 50
#: A header longer than this is another kind of file under this name.
MAX_HEADER_BYTES = 100_000
#: What a blank line may hold. Unicode's other blanks are damage, not layout; bytes and
#: text must agree on it, or a file would land with another count than is read.
_BLANK = " \t\r\x0b\x0c"
#: A field is quoted whole or not at all: polars refuses the whole file otherwise, and
#: says so with the text of the row.
_FIELD = r'(?:"(?:[^"]|"")*"|[^",]*)'
_WELL_QUOTED = rf"\A{_FIELD}(?:,{_FIELD})*\z"
_WHOLE_RECORD = re.compile(rf"{_FIELD}(?:,{_FIELD})*")
_QUOTED = r'"[^"]*"'
#: How many bytes are looked through at a time.
_BLOCK = 1 << 20

QUARANTINE_SCHEMA = pl.Schema(
    {
        "source_line": pl.Int64,
        "month": pl.String,
        "column": pl.String,
        "reason": pl.String,
        "record": pl.String,
    }
)


class UnreadableFile(ValueError):
    """The file as a whole is not what it is said to be; nothing was written."""


@dataclass(frozen=True)
class TextTable:
    """The records of a text file.

    Attributes:
        header: names as received, in order; unnamed columns are "".
        frame: sound records, columns `c0`… all String, with `source_line`.
        text: the whole file, as UTF-8.
        quarantined: records that are not sound (`QUARANTINE_SCHEMA`).
        records: how many data records the file holds, sound or not.
    """

    header: tuple[str, ...]
    frame: pl.DataFrame
    text: bytes
    quarantined: pl.DataFrame
    records: int

    @cached_property
    def lines(self) -> pl.Series:
        """The text of every physical line, for quarantine."""
        return pl.read_lines(io.BytesIO(self.text))["line"]


@dataclass(frozen=True)
class _Records:
    """Where records start, the text of those over several lines, lines left open."""

    starts: pl.Series
    spans: dict[int, str]
    unclosed: set[int]


def read_header(path: Path) -> tuple[str, ...]:
    """Return the column names of a text file, as received.

    Raises:
        UnreadableFile: empty, not UTF-8 text, or with no header.
    """
    with path.open("rb") as stream:
        start = stream.read(1_000_000)
    _refuse_binary(path, start)
    return _header(path, _first_line(start.removeprefix(_BOM)))


def count_records(path: Path) -> int:
    """Return how many data records a text file holds, without reading their values.

    Counted when a file lands, so that reconciliation has a figure that does not come
    from the reader it checks.

    Raises:
        UnreadableFile: binary, or without a header.
    """
    raw = path.read_bytes().removeprefix(_BOM)
    _refuse_binary(path, raw)
    if b'"' not in raw:
        # Only a line feed ends a line: a lone carriage return stands in a value.
        return max(sum(1 for line in raw.split(b"\n") if line.strip()) - 1, 0)
    text = [line.rstrip("\r") for line in raw.decode("utf-8", "replace").split("\n")]
    width = len(_header(path, _first_line(raw)))
    return len(_records(pl.Series(text, dtype=pl.String), width).starts) - 1


def read_text_table(path: Path) -> TextTable:
    """Read a UTF-8, comma-separated file with one header line.

    Accepts LF or CRLF, a byte order mark, quoted fields that run over lines, blank
    lines, and a last line without an end.

    Raises:
        UnreadableFile: empty, binary, UTF-16 or without a header.
    """
    raw = path.read_bytes().removeprefix(_BOM)
    _refuse_binary(path, raw)
    has_quotes = b'"' in raw
    bad_encoding: set[int] = set()
    if not _is_utf8(raw):
        raw, bad_encoding = _mark_bad_encoding(raw)
    header = _header(path, _first_line(raw))
    width = len(header)
    plain = None if has_quotes or bad_encoding else _plain_table(raw, width)
    if plain is not None:
        nothing = pl.DataFrame(schema=QUARANTINE_SCHEMA)
        frame = plain.with_row_index("source_line", 2).cast({"source_line": pl.Int64})
        return TextTable(header, frame, raw, nothing, frame.height)
    lines = pl.read_lines(io.BytesIO(raw))["line"]
    records = (
        _records(lines, width) if has_quotes else _Records(_non_blank(lines), {}, set())
    )
    starts = records.starts.slice(1)
    text = lines.gather(starts)
    if records.spans:
        text = (
            pl.DataFrame({"text": text, "at": starts})
            .select(
                pl.col("at").replace_strict(
                    records.spans, default=pl.col("text"), return_dtype=pl.String
                )
            )
            .to_series()
        )
    bare = text.str.replace_all(_QUOTED, "") if has_quotes else text
    found = pl.DataFrame(
        {
            "line": starts,
            "text": text,
            "fields": bare.str.count_matches(",", literal=True).cast(pl.Int64) + 1,
            "well_quoted": (
                _well_quoted(text)
                if has_quotes
                else pl.repeat(True, text.len(), eager=True)
            ),
        }
    ).with_columns(
        reason=_fault(width, _starting(bad_encoding, records.spans), records.unclosed)
    )
    sound = found.filter(pl.col("reason").is_null())
    untouched = sound.height == lines.len() - 1 and not records.spans
    body = raw.split(b"\n", 1)[1] if untouched and sound.height else None
    if body is None and sound.height:
        body = (sound["text"].str.join("\n")[0]).encode("utf-8")
    frame = _parse(path, body, width, has_quotes)
    if frame.height != sound.height:
        raise UnreadableFile(
            f"{path.name}: {sound.height} records were found and {frame.height} could "
            "be read. Nothing was loaded; check its quotes, or ask the supplier."
        )
    return TextTable(
        header=header,
        frame=frame.with_columns(source_line=sound["line"] + 1),
        text=raw,
        quarantined=found.filter(pl.col("reason").is_not_null()).select(
            source_line=pl.col("line") + 1,
            month=pl.lit(None, dtype=pl.String),
            column=pl.lit(None, dtype=pl.String),
            reason="reason",
            record=pl.col("text").str.slice(0, MAX_RECORD_CHARACTERS),
        ),
        records=len(starts),
    )


def _first_line(raw: bytes) -> bytes:
    """Return the first line without its end; `split` would copy the whole file."""
    end = raw.find(b"\n")
    return raw if end < 0 else raw[:end]


def _is_utf8(raw: bytes) -> bool:
    """Whether the bytes are UTF-8; Python would write them all out to find out."""
    if raw.isascii():
        return True
    try:
        pl.Series([raw], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def _plain_table(raw: bytes, width: int) -> pl.DataFrame | None:
    """Return the fields if each line has as many as the header and none is too long.

    Nearly every file: to look at each line as text takes twice as long as to parse it.
    polars refuses a line of more fields and fills up one of fewer, so where none is
    refused and there are as many commas as there should be, no line has fewer either.
    """
    characters = np.frombuffer(raw, np.uint8)
    found = np.empty(min(len(raw), _BLOCK), np.bool_)
    commas, blocks = 0, []
    # Block by block, because memory that was never touched costs more than the looking.
    for start in range(0, len(raw), _BLOCK):
        block = characters[start : start + _BLOCK]
        here = found[: len(block)]
        commas += int(np.count_nonzero(np.equal(block, ord(","), out=here)))
        blocks.append(np.flatnonzero(np.equal(block, ord("\n"), out=here)) + start)
    if raw[-1:] != b"\n":
        blocks.append(np.array([len(raw)]))
    ends = np.concatenate(blocks)
    # A blank line of a file of one column has as many commas as any other.
    if width < 2 or len(ends) < 2 or commas != len(ends) * (width - 1):
        return None
    if int(np.diff(ends).max()) > MAX_RECORD_CHARACTERS:
        return None
    try:
        frame = _split(raw, width, has_quotes=False, header_lines=1)
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == len(ends) - 1 else None


def _fault(width: int, bad_encoding: set[int], unclosed: set[int]) -> pl.Expr:
    """Return why a record is not sound, or null."""
    line = pl.col("line")
    return (
        pl.when(line.is_in(list(bad_encoding)) if bad_encoding else pl.lit(False))
        .then(pl.lit("not UTF-8 text"))
        .when(pl.col("text").str.len_bytes() > MAX_RECORD_CHARACTERS)
        .then(pl.lit(f"longer than {MAX_RECORD_CHARACTERS:,} bytes"))
        .when(line.is_in(list(unclosed)) if unclosed else pl.lit(False))
        .then(pl.lit("a quote that is never closed"))
        .when(~pl.col("well_quoted"))
        .then(pl.lit("a quote that is not around a whole field"))
        .when(pl.col("fields") != width)
        .then(pl.format("{} fields where the header has {}", "fields", pl.lit(width)))
    )


def _mark_bad_encoding(raw: bytes) -> tuple[bytes, set[int]]:
    """Decode line by line; a bad one is kept as Latin-1 so that no byte is lost."""
    bad, kept = set(), []
    for number, line in enumerate(raw.split(b"\n")):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            bad.add(number)
            line = line.decode("latin-1").encode("utf-8")
        kept.append(line)
    return b"\n".join(kept), bad


def _starting(lines: set[int], spans: dict[int, str]) -> set[int]:
    """Return the lines, each moved to the start of the record it lies in."""
    inside = {
        first + offset: first
        for first, text in spans.items()
        for offset in range(1, text.count("\n") + 1)
    }
    return {inside.get(line, line) for line in lines}


def _well_quoted(text: pl.Series) -> pl.Series:
    """Return, for each record, whether its quotes each go around a whole field."""
    has_quote = text.str.contains('"', literal=True)
    if not has_quote.any():
        return ~has_quote
    return ~has_quote | text.str.strip_chars_end("\r").str.contains(_WELL_QUOTED)


def _refuse_binary(path: Path, start: bytes) -> None:
    if not start[:1_000_000].strip():
        raise UnreadableFile(f"{path.name} is empty. Ask the supplier for it again.")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableFile(
            f"{path.name} is UTF-16 text; data sets are received as UTF-8. Save it as "
            "CSV UTF-8 and land it again."
        )
    if b"\x00" in start:
        raise UnreadableFile(
            f"{path.name} is not text (it holds NUL bytes). Was it cut short, or is it "
            "another kind of file under this name?"
        )


def _header(path: Path, line: bytes) -> tuple[str, ...]:
    text = line.decode("utf-8", errors="replace").rstrip("\r")
    if "\r" in text:
        raise UnreadableFile(
            f"{path.name} ends its lines in carriage returns alone, as no supplier of "
            "ours does. Save it with line feeds and land it again."
        )
    if len(line) > MAX_HEADER_BYTES:
        raise UnreadableFile(
            f"{path.name} has a first line of more than {MAX_HEADER_BYTES:,} bytes, "
            "which is no header. Is it another kind of file under this name?"
        )
    names = next(csv.reader([text]), [])
    if not any(name.strip() for name in names):
        raise UnreadableFile(
            f"{path.name} has no header line; it cannot be recognised."
        )
    return tuple(name.strip() for name in names)


def _non_blank(lines: pl.Series) -> pl.Series:
    return (lines.str.strip_chars(_BLANK) != "").arg_true().cast(pl.Int64)


def _records(lines: pl.Series, width: int) -> _Records:
    """Find the records of text that has quotes, some of them over several lines."""
    odd = (lines.str.count_matches('"', literal=True) % 2 == 1).arg_true().to_list()
    spans: dict[int, str] = {}
    inside: list[int] = []
    unclosed: set[int] = set()
    at = 0
    while at < len(odd):
        first = odd[at]
        last = odd[at + 1] if at + 1 < len(odd) else None
        if last is not None and last - first < MAX_RECORD_LINES:
            joined = "\n".join(lines[first : last + 1].to_list())
            if _fields(joined) == width:
                spans[first] = joined
                inside.extend(range(first + 1, last + 1))
                at += 2
                continue
        unclosed.add(first)
        at += 1
    starts = _non_blank(lines)
    if inside:
        starts = starts.filter(~starts.is_in(inside))
    return _Records(starts, spans, unclosed)


def _fields(record: str) -> int | None:
    """Return how many fields a record has; None where its quotes do not fit."""
    if len(record) > MAX_RECORD_CHARACTERS or not _WHOLE_RECORD.fullmatch(record):
        return None
    return re.sub(_QUOTED, "", record).count(",") + 1


def _parse(
    path: Path, body: bytes | None, width: int, has_quotes: bool
) -> pl.DataFrame:
    if body is None:
        return pl.DataFrame(schema=_text_columns(width))
    try:
        frame = _split(body, width, has_quotes)
    except pl.exceptions.PolarsError as error:
        # Its message quotes the row, which may not reach a log.
        raise UnreadableFile(
            f"{path.name} could not be split into fields ({type(error).__name__}). "
            "Nothing was loaded; check its quotes, or ask the supplier."
        ) from None
    # A publisher that quotes every field writes a blank as "", and it is still blank.
    is_quoted = has_quotes and b'""' in body
    return frame.with_columns(pl.all().replace("", None)) if is_quoted else frame


def _split(
    body: bytes, width: int, has_quotes: bool, header_lines: int = 0
) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(body),
        has_header=False,
        skip_lines=header_lines,
        schema=_text_columns(width),
        quote_char='"' if has_quotes else None,
    )


def _text_columns(width: int) -> dict[str, type[pl.String]]:
    return {f"c{position}": pl.String for position in range(width)}
