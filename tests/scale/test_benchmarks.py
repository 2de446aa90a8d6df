"""The benchmarks run, and the scripts they compare with give the same tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as benchmarks
from benchmarks.comparing import TablesDiffer, compare_tables
from benchmarks.preparation import Workplace


def test_every_benchmark_runs_at_a_small_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDP_BENCH_DIR", str(tmp_path))
    kept = [benchmarks.RESULTS, benchmarks.DETAILS]
    before = [path.read_bytes() if path.exists() else None for path in kept]

    assert benchmarks.main(["--quick"]) == 0

    # Figures of a small size mean nothing, and must not replace the real ones.
    after = [path.read_bytes() if path.exists() else None for path in kept]
    assert after == before
    assert "cores" in capsys.readouterr().out


def test_months_of_real_size_are_the_same_by_hand(tmp_path: Path) -> None:
    """Files of more than 100,000 rows go other ways through polars than small ones."""
    scale = benchmarks.Scale(size="met", months=3, rounds=1)
    console = Console(quiet=True)
    runner = benchmarks.Benchmarks(Workplace(tmp_path), scale, console)

    (figure,) = runner.cases["polars"]()

    rows = figure.seen["rows_equal"]
    assert isinstance(rows, dict)
    sample = tmp_path / "sample-met-3" / "truth.json"
    incidents = json.loads(sample.read_text())["incidents"]
    planted = sum(one["crimes"] for one in incidents)
    assert rows["facts.fct_crimes"] == planted > 250_000


def test_a_row_that_differs_is_found(tmp_path: Path) -> None:
    import duckdb

    for name, crimes in (("left", 3), ("right", 4)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as connection:
            connection.execute("create schema marts")
            connection.execute(
                "create table marts.crime_by_month as "
                f"select 'sample-force' as force, {crimes} as crimes, 0.1 + 0.2 as share"
            )
    with pytest.raises(TablesDiffer, match="1 rows only on the left"):
        compare_tables(tmp_path / "left.duckdb", tmp_path / "right.duckdb")


def test_floating_numbers_may_differ_in_their_last_digits(tmp_path: Path) -> None:
    import duckdb

    for name, share in (("left", "0.1::double + 0.2"), ("right", "0.3::double")):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as connection:
            connection.execute("create schema marts")
            connection.execute(f"create table marts.shares as select {share} as share")
    rows = compare_tables(tmp_path / "left.duckdb", tmp_path / "right.duckdb")
    assert rows == {"marts.shares": 1}
