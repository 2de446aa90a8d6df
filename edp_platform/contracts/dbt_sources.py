"""From a contract: the dbt source and the code list that staging models read.

The files are written into the dbt project so that dbt, sqlfluff and people see plain
files; `drift` lists those that no longer say what the contract says.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from edp_platform.contracts.model import PLATFORM_COLUMNS, Contract
from edp_platform.files import replacing
from edp_platform.governance.rules import enforces

_HEADER = (
    "Generated from {origin}. Do not edit: change the contract and run `edp generate`."
)
#: The code list's name for a supply that the contract declares to be partial.
PARTIAL_SUPPLY = "__partial_supply__"


def generated_files(contract: Contract) -> dict[Path, str]:
    """Return path (relative to the dbt project) → text of each generated file."""
    folder = Path("models/staging") / contract.data_set
    files = {folder / f"_{contract.data_set}__sources.yml": _sources(contract)}
    if _code_list_rows(contract):
        files[folder / f"code_list_{contract.data_set}.sql"] = _code_list(contract)
        files[folder / f"code_list_{contract.data_set}.yml"] = _code_list_yaml(contract)
    return files


def write_generated(contracts: Iterable[Contract], dbt_project: Path) -> list[Path]:
    """Write what changed; return the paths written.

    Raises:
        WriteFailed: the dbt project cannot be written (an installed wheel, say).
    """
    written = []
    for path, text in _all(contracts).items():
        target = dbt_project / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            with replacing(target) as temporary:
                temporary.write_text(text, encoding="utf-8")
            written.append(target)
    return written


def _none(*_: object) -> list[Path]:
    return []


@enforces(12, door="edp generate --check, CI", removed=_none)
def drift(contracts: Iterable[Contract], dbt_project: Path) -> list[Path]:
    """Return the generated files that are missing or were edited by hand.

    Source: UK GDPR Art. 25; DPA 2018 s.57 (what was agreed is what is built).
    """
    return [
        dbt_project / path
        for path, text in _all(contracts).items()
        if not (dbt_project / path).exists()
        or (dbt_project / path).read_text(encoding="utf-8") != text
    ]


def _all(contracts: Iterable[Contract]) -> dict[Path, str]:
    return {
        path: text
        for contract in contracts
        for path, text in generated_files(contract).items()
    }


def _header(contract: Contract) -> str:
    origin = f"edp_platform/defs/datasets/{contract.data_set}/contract.yaml"
    return _HEADER.format(origin=origin)


def _sources(contract: Contract) -> str:
    columns = [
        {"name": column.name, "description": column.description}
        for column in contract.columns
    ]
    if contract.is_monthly:
        columns.append({"name": "month", "description": "Month of the row, YYYY-MM."})
    columns += [
        {"name": name, "description": meaning}
        for name, (_, meaning) in PLATFORM_COLUMNS.items()
    ]
    if contract.is_monthly:
        location = (
            f"read_parquet('{contract.data_set}/*/*.parquet', union_by_name=true, "
            "hive_partitioning=true, hive_types={'month': varchar})"
        )
    else:
        location = f"read_parquet('{contract.data_set}/*.parquet', union_by_name=true)"
    meta = {
        "dagster": {"asset_key": ["raw", contract.data_set]},
        "external_location": location,
        "formatter": "oldstyle",  # the braces of hive_types are not a format string
    }
    source = {
        "version": 2,
        "sources": [
            {
                "name": "raw",
                "description": "The raw lake: typed rows as received, by month.",
                "tables": [
                    {
                        "name": contract.data_set,
                        "description": f"{contract.granularity} {contract.name}.",
                        "config": {"meta": meta},
                        "columns": columns,
                    }
                ],
            }
        ],
    }
    body = yaml.safe_dump(source, sort_keys=False, allow_unicode=True, width=88)
    return f"# {_header(contract)}\n{body}"


def _code_list_rows(contract: Contract) -> list[tuple[str | None, ...]]:
    rows: list[tuple[str | None, ...]] = [
        (
            column.name,
            known.value,
            known.label,
            known.grouping,
            known.valid_from,
            known.valid_to,
        )
        for column in contract.columns
        for known in column.known_values
    ]
    rows += [
        (PARTIAL_SUPPLY, item["force"], item["why"], None, item["from"], item["to"])
        for item in contract.partial_supply
    ]
    return rows


def _literal(value: str | None) -> str:
    if value is None:
        return "cast(null as varchar)"
    return "'" + str(value).replace("'", "''") + "'"


def _code_list(contract: Contract) -> str:
    names = ("column_name", "value", "label", "grouping", "valid_from", "valid_to")
    rows = ",\n".join(
        "        (" + ", ".join(_literal(cell) for cell in row) + ")"
        for row in _code_list_rows(contract)
    )
    return (
        "-- noqa: disable=all\n"
        f"-- {_header(contract)}\n"
        "-- Each value a column is known to take, its harmonised label and its months.\n"
        "with\n\nfinal as (\n    select *\n    from (\n        values\n"
        f"{rows}\n"
        f"    ) as code_list ({', '.join(names)})\n)\n\nselect * from final\n"
    )


def _code_list_yaml(contract: Contract) -> str:
    columns = [
        ("column_name", "Column of the data set."),
        ("value", "Value as received."),
        ("label", "Harmonised label."),
        ("grouping", "Group of labels, where the contract gives one."),
        ("valid_from", "First month the value is used, YYYY-MM."),
        ("valid_to", "Last month the value is used, YYYY-MM."),
    ]
    key = {
        "primary_key": {
            # Staging joins on the value alone: one listed twice would double rows.
            "arguments": {"columns": ["column_name", "value"]},
            "config": {
                "severity": "error",
                "where": f"column_name <> '{PARTIAL_SUPPLY}'",
            },
        }
    }
    model = {
        "version": 2,
        "models": [
            {
                "name": f"code_list_{contract.data_set}",
                "description": (
                    f"One row per column and value known to {contract.name}."
                ),
                "config": {"meta": {"partitioned": "none"}},
                "columns": [
                    {"name": name, "data_type": "varchar", "description": text}
                    for name, text in columns
                ],
                "data_tests": [key],
            }
        ],
    }
    body = yaml.safe_dump(model, sort_keys=False, allow_unicode=True, width=88)
    return f"# {_header(contract)}\n{body}"
