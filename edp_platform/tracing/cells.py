"""Many cells at once: which rows of which files each sum of mart rows is made of."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from edp_platform.home import Home
from edp_platform.ingestion.landing import Delivery
from edp_platform.tracing.marts import fact_columns, grain_in_fact, open_warehouse
from edp_platform.tracing.receipts import with_receipts
from edp_platform.warehouse.models import Model, Models

#: The column of `chosen` that says which cell a mart row belongs to.
CELL = "cell"


@dataclass(frozen=True)
class TracedCells:
    """What cells are made of.

    Attributes:
        by_cell: cell → `rows` (of the fact) and `files`, each as `trace_mart` tells one.
        files: files the fact was made of at all, by short identity.
        note: why the lines of a cell cannot be told, or hold more than the cell; None
            where they are its own.
    """

    by_cell: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    note: str | None = None


def trace_cells(
    home: Home,
    models: Models,
    mart: Model,
    chosen: pa.Table,
    deliveries: Iterable[Delivery],
    most_lines: int,
) -> TracedCells:
    """Trace sums of mart rows back to files and lines, all in one question.

    Args:
        home: whose warehouse; it is asked nothing that a person wrote.
        models: of the dbt project.
        mart: whose rows.
        chosen: the mart rows, their grain and `cell`, a whole number.
        deliveries: every delivery on record.
        most_lines: most line numbers to list of a cell and file.

    Raises:
        TraceFailed: the warehouse or its fact cannot be read now.
    """
    fact = models.by_name.get(str(mart.trace.get("fact", "")))
    on = {
        name: held
        for name, held in grain_in_fact(mart).items()
        if name in chosen.column_names
    }
    if fact is None or not on:
        return TracedCells(
            note=f"A row of {mart.name} does not come of single lines that it could be "
            "followed to; edp trace names the files of its data sets."
        )
    with closing(open_warehouse(home)) as connection:
        if not {"source_file", "source_line", *on.values()} <= fact_columns(
            connection, fact
        ):
            return TracedCells(
                note=f"{fact.name} does not hold the lines that its rows came from."
            )
        connection.register("chosen_rows", chosen)
        names = ", ".join(f'"{name}"' for name in (CELL, *on))
        matches = " and ".join(
            f'fact."{held}" is not distinct from chosen."{name}"'
            for name, held in on.items()
        )
        table = f'"{fact.schema}"."{fact.name}"'
        connection.execute(
            "create temp table traced as select chosen.cell, fact.source_file, "
            f"fact.source_line from {table} as fact join "
            f"(select distinct {names} from chosen_rows) as chosen on {matches}"
        )
        counted = connection.execute(
            "select cell, source_file, count(*), count(distinct source_line), "
            "list_slice(list_sort(list(distinct source_line)), 1, ?) "
            "from traced group by cell, source_file order by cell, source_file",
            [most_lines],
        ).fetchall()
        files = connection.execute(
            f"select distinct source_file from {table}"
        ).fetchall()
    read = models.data_sets(fact.unique_id)
    receipts = {
        one["file"]: one
        for one in with_receipts(
            home,
            [{"file": file} for file in sorted({row[1] for row in counted})],
            read,
            list(deliveries),
        )
    }
    by_cell: dict[int, dict[str, Any]] = {}
    for cell, file, rows, lines, numbers in counted:
        told = by_cell.setdefault(cell, {"rows": 0, "files": []})
        told["rows"] += rows
        told["files"].append(
            receipts[file] | {"rows": rows, "lines": lines, "line_numbers": numbers}
        )
    missing = [name for name in chosen.column_names if name not in (CELL, *on)]
    return TracedCells(
        by_cell,
        frozenset(file for (file,) in files),
        f"The lines hold more than a cell: {fact.name} does not say "
        f"{', '.join(missing)}."
        if missing
        else None,
    )
