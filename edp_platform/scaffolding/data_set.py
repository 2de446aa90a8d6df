"""A data set's folder: facts of the file filled in, governance left open."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from edp_platform.contracts import Column, Contract
from edp_platform.contracts.dbt_sources import generated_files
from edp_platform.datasets import defs_root
from edp_platform.governance.templates import dpia_template, scalar
from edp_platform.scaffolding.profiling import FileProfile, InferredColumn, profile
from edp_platform.scaffolding.writing import refuse_name, write_together
from edp_platform.warehouse.manifest import dbt_project_folder

_WIDTH = 88
_SQL_TYPES = {
    "string": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
}


def scaffold_data_set(name: str, source: Path) -> list[Path]:
    """Profile a file and write the folder of a new data set, and its staging model.

    The folder is refused, with file and line of each question, until a person has
    answered what no file can say: law, purpose, owner, meaning, classification.

    Args:
        name: the data set's name, lower_snake_case.
        source: one file of it, as received; read, never changed or landed.

    Returns:
        the paths written.

    Raises:
        ScaffoldFailed: the name, the file or the place to write will not do. Nothing
            was written.
    """
    refuse_name(name, "data set")
    found = profile(source)
    folder = defs_root() / "datasets" / name
    project = dbt_project_folder()
    staging = project / "models" / "staging" / name
    provisional = _provisional_contract(name, folder, found)
    return write_together(
        {
            folder / "defs.yaml": _defs(found),
            folder / "contract.yaml": _contract(name, found),
            folder / "dpia.yaml": _dpia(name, found),
            # Without its source the staging model would stop the whole dbt project.
            **{
                project / path: text
                for path, text in generated_files(provisional).items()
            },
            staging / f"stg_{name}.sql": _staging_sql(name, found),
            staging / f"stg_{name}.yml": _staging_yaml(name, found),
        }
    )


def _comment(text: str, indent: int = 0) -> str:
    """Return `text` as comment lines, each ended by a newline."""
    pad = " " * indent
    return "".join(
        f"{pad}# {line}\n"
        for line in textwrap.wrap(
            text, _WIDTH - indent - 2, break_on_hyphens=False, break_long_words=False
        )
    )


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _defs(found: FileProfile) -> str:
    text = (
        "type: edp_platform.components.GovernedDataset\n"
        "attributes:\n"
        "  contract: contract.yaml\n"
        "  dpia: dpia.yaml\n"
    )
    if found.reader is not None:
        return text + f"  reader: {found.reader}\n"
    return text + _comment(
        "reader: no reader takes a plain workbook. The two there are read "
        "spreadsheet_years (a sheet a year, two header rows) and spreadsheet_profiles "
        "(Code, Area/INDICATOR, then one column an indicator). Ask for CSV UTF-8 and "
        "write `reader: csv`, or name a reader of your own: "
        '`reader: {shape: "package.module:Class"}`.',
        2,
    )


def _contract(name: str, found: FileProfile) -> str:
    """Write the contract: every inferred fact, every question of governance blank."""
    read = f"{_many(found.records, 'record')} of {found.file}"
    bad = f"; {_many(found.unread, 'record')} could not be read" if found.unread else ""
    columns = "".join(_column_text(column, found) for column in found.columns)
    return (
        _comment(
            f"Begun from {read}{bad}. What the file shows is filled in: check it. What "
            "no file can say is left blank: answer it. Until then the data set is set "
            "aside, and `edp status` lists what is open, with its line."
        )
        + f"""\
apiVersion: v3.2.0
kind: DataContract
id: {name}
version: 1.0.0
status: draft             # active, once people may rely on it; the gate asks the DPIA
name:                     # what people call it, with its supplier
domain:                   # policing, public-voice, geography, …
description:
  purpose:                # what it is for, in a sentence
  limitations:            # what a reader must know before believing a figure
team:
  members:
    # Who answers for it: "team:…" or an e-mail address.
    - {{username: , role: owner}}
# How soon after a period ends its data is here; without it nothing is ever late.
# slaProperties:
#   - {{property: freshness, value: 45, unit: d, description: …}}
customProperties:
  # part2 (general processing) or part3 (law enforcement) of the DPA 2018.
  - {{property: regime, value: }}
  # The `id` of dpia.yaml beside this file: no data set is loaded without one.
  - {{property: dpiaRef, value: }}
  # Purposes of the register that it may be used for, such as [P-STATISTICS].
  - {{property: purposes, value: }}
  # The rule of the retention schedule that ends it, such as PUBLISHED-STATISTICS.
  - {{property: rrdRule, value: }}
"""
        + _comment(_pattern_remark(found), 2)
        + f"  - {{property: filePattern, value: {_quoted(found.pattern.text)}}}\n"
        + _comment(_identity_remark(found), 2)
        + "  - {property: identity, value: }\n"
        + _partitioning(found)
        + """\
  # Who supplies the files, by the name on the receipt.
  - {property: supplier, value: }
  # Where there is a licence, and words it asks for:
  # - {property: licence, value: Open Government Licence v3.0}
  # - {property: attribution, value: …}
  # Where a series breaks, so that marts can say so:
  # - property: seriesBreaks
  #   value:
  #     - {from: "2024-03", why: …}
"""
        + f"""\
schema:
  - name: {name}
    physicalType: parquet
    dataGranularityDescription:       # what one row is: One row per …
    # Of each column, three questions. classification: who may see it. description: what
    # it means. identifierClass: could it single out a person, by itself (direct), with
    # others (quasi), or harm one who is known already (sensitive)?
    properties:
"""
        + columns
    )


def _quoted(text: str) -> str:
    written = scalar(text)
    return written if written.startswith('"') else f'"{written}"'


def _pattern_remark(found: FileProfile) -> str:
    remark = (
        "Landing knows a file by its name and its header. {month} stands for YYYY-MM, "
        "{force} for a force, * for anything: mark what differs from file to file."
    )
    if found.pattern.note:
        remark += f" Here: {found.pattern.note}."
    return remark


def _identity_remark(found: FileProfile) -> str:
    remark = (
        "none, or the columns that identify a row: [a, b]. Exact repeats are set aside "
        "only where rows carry an identifier."
    )
    if found.keys:
        seen = ", or ".join(f"[{', '.join(key)}]" for key in found.keys)
        remark += f" Never repeated in this file, which proves little: {seen}."
    return remark


def _partitioning(found: FileProfile) -> str:
    if found.month_from:
        return (
            "  - {property: partitioning, value: month}\n"
            f"  - {{property: monthFrom, value: {found.month_from}}}\n"
        )
    remark = "A file replaces the last one whole."
    if found.date_columns:
        remark += (
            " If rows belong to months instead, write month and "
            f"`- {{property: monthFrom, value: {found.date_columns[0]}}}`, and give "
            "staging its month (docs/add-a-data-set.md)."
        )
    return _comment(remark, 2) + "  - {property: partitioning, value: none}\n"


def _column_text(column: InferredColumn, found: FileProfile) -> str:
    text = f"      - name: {column.name}\n"
    if column.physical_name is not None:
        text += f"        physicalName: {scalar(column.physical_name)}\n"
    notes = list(column.notes)
    if column.suspicion:
        notes.insert(
            0,
            f"looks like personal data ({column.suspicion}): classify it, and ask "
            "whether it is needed at all",
        )
    for note in notes:
        text += _comment(f"{note[0].upper()}{note[1:]}.", 8)
    text += f"        logicalType: {column.logical_type}\n"
    if column.date_format:
        text += (
            f"        logicalTypeOptions: {{format: {_quoted(column.date_format)}}}\n"
        )
    if column.is_required:
        text += "        required: true\n"
    if (column.name,) in found.keys:
        text += _comment(
            "primaryKey: true   (if a row that repeats it must be kept out)", 8
        )
    text += "        classification:     # public, official, personal, special-category"
    text += " or criminal-offence\n"
    if column.description:
        text += f"        description: {scalar(column.description)}\n"
    else:
        text += "        description:        # what it means, in which unit\n"
    text += "        customProperties:\n"
    text += "          - {property: identifierClass, value: }"
    text += "   # direct, quasi, sensitive or none\n"
    if column.from_file_name:
        text += (
            f"          - {{property: fromFileName, value: {column.from_file_name}}}\n"
        )
    if column.decimal_separator != ".":
        text += '          - {property: decimalSeparator, value: ","}\n'
    if column.values:
        text += _comment(
            f"{len(column.values)} values in this file. Listed, a new one is seen:", 8
        )
        text += "        # enum:\n"
        for value in column.values:
            text += f"        #   - {{value: {_flow(value)}, label: {_flow(value)}}}\n"
    if column.is_required:
        text += (
            "        quality:\n"
            "          - {type: library, metric: nullValues, mustBe: 0, "
            "dimension: completeness, severity: error}\n"
        )
    return text


def _flow(value: str) -> str:
    """Return a value for a flow mapping, where digits alone would be a number."""
    written = scalar(value)
    return written if written.startswith('"') or "," not in value else f'"{value}"'


def _dpia(name: str, found: FileProfile) -> str:
    return dpia_template(
        example_id=f"DPIA-{name.upper().replace('_', '-')}",
        contract=name,
        columns=[column.name for column in found.columns],
    )


def _provisional_contract(name: str, folder: Path, found: FileProfile) -> Contract:
    """Return the contract as far as it is known, to generate the dbt source from."""
    return Contract(
        path=folder / "contract.yaml",
        data_set=name,
        id=name,
        version="1.0.0",
        status="draft",
        name=name,
        purpose="",
        limitations="",
        owners=(),
        columns=tuple(
            Column(
                one.name,
                one.physical_name or one.name,
                one.logical_type,
                one.description or "",
            )
            for one in found.columns
        ),
        granularity="Not described yet:",
        regime="",
        dpia_ref="",
        purposes=(),
        retention_rule="",
        file_patterns=(found.pattern.text,),
        identity=(),
        is_monthly=found.month_from is not None,
        month_from=found.month_from,
        supplier="",
        licence=None,
        attribution=None,
        freshness_days=None,
        series_breaks=(),
        partial_supply=(),
        fingerprint="",
    )


_RELEASE_COLUMNS = (
    ("release_date", "date", "Date of the release that the row comes from."),
    (
        "source_file",
        "varchar",
        "First 12 hexadecimal digits of the SHA-256 of the file landed.",
    ),
    ("source_line", "bigint", "Line number in that file; the header is line 1."),
)
_MONTH_COLUMNS = (
    ("month", "date", "First day of the month that the row belongs to."),
    (
        "month_text",
        "varchar",
        'The same month as text ("2024-01"), as the lake\'s folder is named; filter on '
        "it to read only those files.",
    ),
)


def _staging_columns(found: FileProfile) -> Iterator[tuple[str, str, str]]:
    """Yield (name, SQL type, description) of each column of the staging model."""
    if found.month_from:
        yield from _MONTH_COLUMNS
    for column in found.columns:
        received = (
            f'Received as "{column.physical_name}"; the contract says what it means.'
            if column.physical_name is not None
            else column.description or "Each cell of the wide file."
        )
        yield column.name, _SQL_TYPES[column.logical_type], received
    yield from _RELEASE_COLUMNS


def _staging_sql(name: str, found: FileProfile) -> str:
    lines = []
    if found.month_from:
        lines += [
            "{{ month_from_text('source.month') }} as month",
            "source.month as month_text",
        ]
    made = {column for column, _, _ in _MONTH_COLUMNS}
    lines += [
        f"source.{column}" if found.month_from else column
        for column, _, _ in _staging_columns(found)
        if not (found.month_from and column in made)
    ]
    selected = ",\n".join(f"        {line}" for line in lines)
    return (
        "with source as (\n"
        f"    select * from {{{{ source('raw', '{name}') }}}}\n"
        "),\n\n"
        "final as (\n"
        f"    select\n{selected}\n    from source\n"
        ")\n\n"
        "select * from final\n"
    )


def _staging_yaml(name: str, found: FileProfile) -> str:
    is_monthly = found.month_from is not None
    grain = "One row per record of the file, as received."
    key = ["source_file", "source_line"]
    if found.wide:
        grain = f"One row per record and {found.wide} of the file, as received."
        key.append("month_text" if found.wide == "month" else "year")
    text = f"""\
version: 2

models:
  - name: stg_{name}
    description: >
      {grain}
    config:
      meta:
        partitioned: {"month" if is_monthly else "none"}
    data_tests:
      - primary_key:
          arguments:
            columns: [{", ".join(key)}]
          config:
            severity: error
"""
    if is_monthly:
        text += "            where: __months_in_scope__\n"
    text += "    columns:\n"
    for column, kind, meaning in _staging_columns(found):
        text += f"      - name: {scalar(column)}\n        data_type: {kind}\n"
        text += "        description: >\n"
        text += textwrap.fill(
            meaning,
            _WIDTH - 8,
            initial_indent=" " * 10,
            subsequent_indent=" " * 10,
            break_long_words=False,
            break_on_hyphens=False,
        )
        text += "\n"
    return text
