"""`edp sql`: one query, on the asker's own login, and on the log."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.access import who_acts
from edp_platform.commands.acting import AsPersonOption
from edp_platform.commands.console import Format, err, fail, open_home, out


def sql(
    query: Annotated[str, typer.Argument(help="PostgreSQL's SQL over marts.NAME.")],
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.table,
    as_person: AsPersonOption = None,
    reason: Annotated[
        str,
        typer.Option(
            help="Why, in words, for the log. Default: what your grants are for."
        ),
    ] = "",
    purpose: Annotated[
        str | None,
        typer.Option(help="Which purpose of your grants. Default: all of them."),
    ] = None,
) -> None:
    """Ask the published marts, on your own login: you see what your grants give.

    The published copy is served first, where PostgreSQL has an older one. Each query is
    on the log of DPA 2018 s.62, refused ones too, without its values.
    """
    from edp_platform.publishing.query import (
        QueryFailed,
        Question,
        as_csv,
        as_json,
        ask,
    )
    from edp_platform.publishing.snapshot import NothingPublished

    home = open_home()
    person = who_acts(home, as_person)
    export = None if format is Format.table else format.value
    question = Question(query, person, reason, purpose, export)
    try:
        answer = ask(home, question, datetime.now().astimezone())
    except (QueryFailed, NothingPublished) as error:
        fail(str(error))
    columns, rows = answer.columns, answer.rows
    if format is Format.csv:
        sys.stdout.write(as_csv(columns, rows))
    elif format is Format.json:
        print(as_json(columns, rows))
    else:
        table = Table(
            *map(escape, columns),
        )
        for row in rows[:1000]:
            table.add_row(
                *("" if value is None else escape(str(value)) for value in row)
            )
        out.print(table)
        # Below the table and not its caption, which a narrow one would break.
        said = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
        out.print(f"{said}, snapshot {answer.snapshot}", soft_wrap=True)
        if len(rows) > 1000:
            err.print("The first 1,000 rows are shown; --format csv gives all.")
