"""What of a nominal is compared: text in one shape, and what blocking derives from it.

Cleansing has been done on the way into the lake, and is reversible. What is done here
is done only to compare: accents off, letters in capitals, sounds as codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from edp_platform.analysis.linkage.model import LinkageModel

#: The identifier under which every frame of this package holds a nominal.
NOMINAL = "nominal_id"

#: Spellings of one sound at the start of a name, rewritten before letters get codes.
_OPENINGS = (
    (r"\A(?:KN|GN|PN)", "N"),
    (r"\AWR", "R"),
    (r"\APS", "S"),
    (r"\AX", "S"),
    (r"\AC([EIY])", "S$1"),
    (r"\A[CQ]", "K"),
    (r"\AZ", "S"),
    (r"\AJ", "G"),
)
#: American Soundex (US National Archives): letters of one sound have one digit; vowels
#: part two of the same, H and W do not.
_CODES = {
    **dict.fromkeys("BFPV", "1"),
    **dict.fromkeys("CGJKQSXZ", "2"),
    **dict.fromkeys("DT", "3"),
    "L": "4",
    **dict.fromkeys("MN", "5"),
    "R": "6",
    **dict.fromkeys("AEIOUY", "0"),
    **dict.fromkeys("HW", ""),
}


def read_nominals(paths: Sequence[Path], model: LinkageModel) -> pl.DataFrame:
    """Read the compared columns of every nominal of the lake, once each.

    A nominal that stands in several months counts as it was last released.

    Args:
        paths: lake files of the data set.
        model: which columns.
    """
    rows = pl.scan_parquet([*paths], hive_partitioning=False)
    return (
        rows.select(model.identifier, *model.columns, "release_date", "source_line")
        .filter(pl.col(model.identifier).is_not_null())
        .sort(model.identifier, "release_date", "source_line")
        .unique(model.identifier, keep="last", maintain_order=True)
        .select(pl.col(model.identifier).alias(NOMINAL), *model.columns)
        .collect()
    )


def comparable(nominals: pl.DataFrame, model: LinkageModel) -> pl.DataFrame:
    """Return nominals as they are compared, with the columns of blocking.

    Args:
        nominals: `nominal_id` and the model's columns.
        model: how each is compared.

    Returns:
        `nominal_id`, the compared columns, all String, blanks as null, and the
        derived ones; ordered by `nominal_id`.
    """
    shaped = []
    for one in model.comparisons:
        value = pl.col(one.column).cast(pl.String)
        if one.unknown:
            value = pl.when(~value.is_in(one.unknown)).then(value)
        if one.how == "name":
            value = _letters(value)
        elif one.how in ("identifier", "category"):
            value = value.str.strip_chars().str.to_uppercase()
        elif one.how in ("postcode", "number"):
            value = value.str.replace_all(r"[^0-9A-Za-z]", "").str.to_uppercase()
        shaped.append(pl.when(value != "").then(value).alias(one.column))
    frame = nominals.select(NOMINAL, *shaped)
    return frame.with_columns(
        _derived(pl.col(column), way, model).alias(name)
        for name, (column, way) in model.derived.items()
    ).sort(NOMINAL)


def _letters(value: pl.Expr) -> pl.Expr:
    return value.str.normalize("NFKD").str.to_uppercase().str.replace_all("[^A-Z]", "")


def _derived(value: pl.Expr, way: str, model: LinkageModel) -> pl.Expr:
    if way == "sound":
        return sound(value)
    if way == "family":
        family = {name: names[0] for names in model.short_forms for name in names}
        return value.replace(family)
    if way == "initial":
        return value.str.head(1)
    if way == "year":
        return value.str.head(4)
    if way == "sector":
        return value.str.head(-2)
    year = value.str.head(4)
    day, month = value.str.slice(8, 2), value.str.slice(5, 2)
    birthday = pl.concat_str(
        pl.min_horizontal(day, month), pl.max_horizontal(day, month)
    )
    return birthday if way == "birthday" else pl.concat_str(year, birthday)


def sound(name: pl.Expr) -> pl.Expr:
    """Return a code of how a name in capital letters sounds: Soundex, five signs long.

    The first letter is a sound too (Catherine and Katherine agree), unlike Soundex.
    """
    spoken = name.str.replace_all("PH", "F")
    for pattern, letters in _OPENINGS:
        spoken = spoken.str.replace(pattern, letters)
    coded = spoken.str.replace_many(list(_CODES), list(_CODES.values()))
    for digit in "123456":
        coded = coded.str.replace_all(f"{digit}+", digit)
    first = spoken.str.head(1)
    # A first H or W has no code to leave out.
    rest = pl.when(first.is_in(["H", "W"])).then(coded).otherwise(coded.str.slice(1))
    code = pl.concat_str(first, rest.str.replace_all("0", "").str.head(4))
    return pl.when(first != "").then(code)
