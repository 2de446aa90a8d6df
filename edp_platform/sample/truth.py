"""The truth file: what was planted where, counted as the sample was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.sample.faults import LineFault
from edp_platform.sample.geography import Geography
from edp_platform.sample.labels import CRIME_TYPES
from edp_platform.sample.street import (
    EXACT_COPY,
    HAS_COPY,
    SHARES_IDENTIFIER,
    StreetMonth,
)
from edp_platform.sample.timeline import month_text


class Truth:
    """Gathers counts while files are written."""

    def __init__(self, heading: dict[str, Any]):
        """Begin with what is known beforehand.

        Args:
            heading: Size, seed, months, events.
        """
        self._content: dict[str, Any] = {
            **heading,
            "files": {},
            "incidents": [],
            "incidents_by_borough": [],
            "revisions": [],
        }

    @property
    def rows(self) -> int:
        """Rows of all files told so far."""
        return sum(entry["rows"] for entry in self._every_file())

    @property
    def files(self) -> int:
        """Files told so far."""
        return len(self._every_file())

    def _every_file(self) -> list[dict[str, Any]]:
        systems = self._content.get("force_systems", {"files": {}})
        return [*self._content["files"].values(), *systems["files"].values()]

    def add_file(
        self,
        path: str,
        data_set: str,
        rows: int,
        faults: list[LineFault] | None = None,
        **facts: object,
    ) -> None:
        """Tell of one file.

        Args:
            path: Relative to the sample's folder.
            data_set: The data set's name.
            rows: Records after the header, faulty ones included.
            faults: Lines that must be quarantined.
            facts: Further counts.
        """
        self._content["files"][path] = {
            "data_set": data_set,
            "rows": rows,
            **facts,
            "quarantine": [fault.as_truth() for fault in faults or []],
        }

    def add_incidents(
        self, street: StreetMonth, geography: Geography, excluded: list[int]
    ) -> None:
        """Tell how many incidents of each type and borough a mart must count.

        Args:
            street: The month's crimes.
            geography: The land.
            excluded: Positions of rows that are quarantined.
        """
        counted = street.rows.filter(
            (pl.col("kind") != EXACT_COPY) & ~pl.int_range(pl.len()).is_in(excluded)
        )
        key = {"month": month_text(street.month), "force": street.force}
        by_type = counted.group_by("crime_type").len().sort("crime_type")
        self._content["incidents"] += [
            {**key, "crime_type": CRIME_TYPES[number].name, "crimes": crimes}
            for number, crimes in by_type.iter_rows()
        ]
        codes = dict(geography.boroughs.select("borough", "borough_code").rows())
        borough = geography.points["borough"].gather(counted["place"]).rename("borough")
        located = (counted["place"] < geography.nowhere).rename("located")
        by_borough = (
            pl.DataFrame([borough, located])
            .group_by("borough", "located")
            .len()
            .sort("borough", "located", nulls_last=True)
        )
        for number, is_located, crimes in by_borough.iter_rows():
            if number is not None:
                area = codes[number]
            else:
                area = "outside" if is_located else "no location"
            self._content["incidents_by_borough"].append(
                {**key, "borough_code": area, "crimes": crimes}
            )

    def add_revision(self, entry: dict[str, object]) -> None:
        """Tell what changed between two publications of one slice."""
        self._content["revisions"].append(entry)

    def add_systems(self, facts: dict[str, Any]) -> None:
        """Tell of the internal systems; their files stand apart from published ones."""
        self._content["force_systems"] = facts

    def write(self, path: Path) -> None:
        """Write the truth as JSON."""
        text = json.dumps(self._content, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def street_facts(street: StreetMonth) -> dict[str, int]:
    """Return the planted counts of a street file.

    Repeats are rows beyond the first of their like. Rows sharing an identifier are
    all rows whose ID other, differing rows carry.
    """
    kind = street.rows["kind"]
    blank = street.rows.filter(pl.col("crime_id").is_null())
    unlike = blank.select("place", "crime_type").n_unique() if blank.height else 0
    return {
        "blank_id_rows": blank.height,
        "identical_blank_id_rows": blank.height - unlike,
        "exact_repeats_with_id": int((kind == EXACT_COPY).sum()),
        "rows_sharing_id": int((kind == SHARES_IDENTIFIER).sum()),
        "rows_repeated": int((kind == HAS_COPY).sum()),
    }


def outcomes_facts(decisions: pl.DataFrame) -> dict[str, int]:
    """Return the counts of an outcomes file; sharing rows after exact repeats go."""
    unlike = decisions.unique()
    sharing = unlike.filter(pl.len().over("crime_id") > 1)
    return {
        "exact_repeats_with_id": decisions.height - unlike.height,
        "rows_sharing_id": sharing.height,
    }


def searches_facts(table: pl.DataFrame, month: int) -> dict[str, int]:
    """Return the counts of a stop and search file; exact repeats are all kept."""
    return {
        "exact_repeats": table.height - table.n_unique(),
        "rows_without_coordinates": table["Latitude"].null_count(),
        "rows_dated_month_before": int(
            (table["Date"].str.head(7) < month_text(month)).sum()
        ),
    }


def revision_facts(earlier: pl.DataFrame, later: pl.DataFrame) -> dict[str, object]:
    """Return what differs between two releases whose rows lie in the same order.

    The columns count identified rows; rows without an ID are the same in both.
    """
    changed = {
        column: int(earlier[column].ne_missing(later[column]).sum())
        for column in earlier.columns
    }
    any_change = pl.any_horizontal(
        pl.Series(column, earlier[column].ne_missing(later[column]))
        for column in earlier.columns
    )
    return {
        "rows_added": 0,
        "rows_removed": 0,
        "rows_changed": int(pl.select(any_change.sum()).item()),
        "identified_rows": earlier["Crime ID"].len() - earlier["Crime ID"].null_count(),
        "changed_by_column": {
            column: number for column, number in changed.items() if number
        },
    }
