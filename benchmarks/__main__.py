"""`python -m benchmarks`: the platform beside hand-written scripts, as ratios.

Every figure is a ratio of two things run in turns on the same machine (A B A B), the
median of the ratios of the pairs: trust ratios, not seconds. Files are made once under
EDP_BENCH_DIR (default: a folder in the temporary directory). The scripts must give the
same tables row for row, or there is no figure.

The full run takes most of an hour on two cores. `--quick` does everything once at a
small size, to show that it works; its figures mean nothing and are not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import freshness
from benchmarks.children import CHECKOUT, CommandFailed, Taken, edp, environment, run
from benchmarks.comparing import TablesDiffer, compare_tables, gather_marts
from benchmarks.labels import write_labels
from benchmarks.preparation import Workplace, copy_home, read_once

RESULTS = CHECKOUT / "benchmarks" / "results.json"
DETAILS = CHECKOUT / "benchmarks" / "details.json"
_PYTHON = sys.executable


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    `rounds` pairs are run; `long` and `short` are months of history.
    """

    size: str = "met"
    months: int = 36
    long: int = 120
    short: int = 13
    rounds: int = 2
    loads: int = 5
    landings: int = 12
    sensed: int = 3
    measures: int = 30


FULL = Scale()
QUICK = Scale("small", 3, 6, 4, 1, 1, 2, 0, 2)


#: What a revision counts that the hand-written script counts too.
_COUNTED = frozenset(
    {
        *("matched", "added", "removed", "changed"),
        *("unidentified_added", "unidentified_removed"),
    }
)


@dataclass(frozen=True)
class Figure:
    """One line of the results; `reach` is the most it may be, None for no promise."""

    name: str
    measured: float
    reach: float | None
    unit: str
    seen: dict[str, object] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the figure is within reach."""
        return self.reach is None or self.measured <= self.reach

    def as_result(self) -> dict[str, object]:
        """Return the five fields that other programs read."""
        return {
            "name": self.name,
            "measured": round(self.measured, 3),
            "reach": self.reach,
            "ok": self.ok,
            "unit": self.unit,
        }


class Benchmarks:
    """The benchmarks of one scale."""

    def __init__(self, workplace: Workplace, scale: Scale, console: Console) -> None:
        self.workplace = workplace
        self.scale = scale
        self.console = console

    @property
    def cases(self) -> dict[str, Callable[[], list[Figure]]]:
        """Return every case by the name that `--only` takes."""
        return {
            "polars": lambda: self.beside_script("polars + DuckDB script", 1.6),
            "pandas": lambda: self.beside_script("pandas script", 0.5),
            "add-a-month": self.add_a_month,
            "memory": self.memory,
            "definitions": self.definitions,
            "freshness": self.freshness,
            "publication": self.publication,
            "signals": self.signals,
            "row-security": self.row_security,
            "audit": self.audit,
        }

    # Landing to marts ------------------------------------------------------------------

    def _edp_run(self, landed: Path, name: str = "run") -> tuple[Taken, Path]:
        home = copy_home(landed, self.workplace.folder / name)
        read_once(home / "landing")
        log = self.workplace.logs / f"{name}.log"
        return run(edp("run"), log, environment(home)), home

    def _script(self, landed: Path, script: str) -> tuple[Taken, Path]:
        read_once(landed / "landing")
        labels = self.workplace.folder / "labels.csv"
        write_labels(landed, labels)
        target = self.workplace.scratch("by-hand")
        module = {
            "polars + DuckDB script": "benchmarks.by_hand_polars_duckdb",
            "pandas script": "benchmarks.by_hand_pandas",
        }[script]
        command: list[str | Path] = [_PYTHON, "-m", module, landed, labels, target]
        return run(command, self.workplace.logs / "by-hand.log"), target

    def beside_script(self, script: str, reach: float) -> list[Figure]:
        """`edp run` of months that are landed, beside a script that does the same."""
        self.console.log(f"{script}: warming up")
        small = self.workplace.landed("small", 3)
        self._edp_run(small)
        self._script(small, script)
        landed = self.workplace.landed(self.scale.size, self.scale.months)
        ours, theirs, ratios = [], [], []
        for number in range(self.scale.rounds):
            load = freshness.load_now()
            # Both from files and programs in memory: else the first pays for the disk.
            self._edp_run(small)
            platform_took, home = self._edp_run(landed)
            script_took, made = self._script(landed, script)
            ours.append(platform_took)
            theirs.append(script_took)
            ratios.append(platform_took.wall / script_took.wall)
            self.console.log(
                f"{script}: {platform_took.wall:.1f} s / {script_took.wall:.1f} s = "
                f"{ratios[-1]:.2f} (load before {load:.1f})"
            )
            if number == 0:
                rows = self._compare(script, home, made)
        name = (
            f"{self.scale.months} months at {self.scale.size} size, landing to marts: "
            f"edp run / {script}"
        )
        seen = {
            "edp_run": [asdict(one) for one in ours],
            "script": [asdict(one) for one in theirs],
            "ratios": ratios,
            "processor_ratio": statistics.median(
                a.processor / b.processor for a, b in zip(ours, theirs, strict=True)
            ),
            "rows_equal": rows,
        }
        return [
            Figure(name, statistics.median(ratios), reach, "ratio of wall time", seen)
        ]

    def _compare(self, script: str, home: Path, made: Path) -> dict[str, int]:
        """Compare the tables.

        Raises:
            TablesDiffer: they are not the same, so there is no figure.
        """
        warehouse = home / "warehouse" / "edp.duckdb"
        if script == "pandas script":
            database = made / "gathered.duckdb"
            names = gather_marts(made / "marts", database)
            return compare_tables(warehouse, database, only=names)
        self._compare_kept_out(home, made)
        self._compare_revisions(home, made)
        rows = compare_tables(warehouse, made / "warehouse.duckdb")
        pointer = json.loads((home / "published" / "current.json").read_text())
        published = home / "published" / f"{pointer['id']}.duckdb"
        marts = [name for name in rows if name.startswith("marts.")]
        compare_tables(published, made / "published.duckdb", only=marts)
        return rows

    def _compare_kept_out(self, home: Path, made: Path) -> None:
        """Compare which records were quarantined and which repeats were set aside."""
        import polars as pl

        for folder, file in (("quarantine", "quarantine"), ("set_aside", "set_aside")):
            paths = sorted((home / folder).glob("*/*.parquet"))
            columns = ["source_file", "source_line"]
            left = pl.concat([pl.read_parquet(path, columns=columns) for path in paths])
            right = pl.read_parquet(made / f"{file}.parquet", columns=columns)
            if not left.sort(columns).equals(right.sort(columns)):
                raise TablesDiffer(
                    f"{folder}: {left.height} rows of the platform, {right.height} of the "
                    "script, or other ones"
                )

    def _compare_revisions(self, home: Path, made: Path) -> None:
        """Compare what both say that later releases changed."""
        theirs = json.loads((made / "revisions.json").read_text())
        ours = [
            json.loads(path.read_text())
            for path in sorted((home / "revisions").glob("*/*.json"))
        ]
        left, right = (
            {
                (one["data_set"], one["month"], one["earlier"], one["later"]): {
                    count: one[count] for count in theirs[0] if count in _COUNTED
                }
                for one in each
            }
            for each in (ours, theirs)
        )
        if left != right:
            differing = sum(left.get(key) != right.get(key) for key in left | right)
            raise TablesDiffer(f"revisions: {differing} differ, of {len(left)}")

    # One more month --------------------------------------------------------------------

    def add_a_month(self) -> list[Figure]:
        """Add a month to a long and to a short history, in a warm process."""
        long = self._built(self.scale.long)
        short = self._built(self.scale.short)
        ratios, seconds = [], []
        for _ in range(max(self.scale.rounds, 1)):
            pair = [self._added(*long), self._added(*short)]
            seconds.append(pair)
            ratios.append(pair[0] / pair[1])
            self.console.log(f"add a month: {pair[0]:.2f} s / {pair[1]:.2f} s")
        name = (
            f"add one month at {self.scale.size} size: history of {self.scale.long - 1} "
            f"months / history of {self.scale.short - 1}, start-up excluded"
        )
        seen = {"seconds": seconds, "ratios": ratios}
        return [
            Figure(name, statistics.median(ratios), 1.3, "ratio of wall time", seen)
        ]

    def _built(self, months: int) -> tuple[Path, Path, list[str]]:
        """Build a home that lacks the last two months of a sample."""
        sample = self.workplace.sample(self.scale.size, months)
        held = json.loads((sample / "truth.json").read_text())["months"][-2:]
        landed = self.workplace.landed(self.scale.size, months, held)
        _, home = self._edp_run(landed, f"built-{self.scale.size}-{months}")
        return home, sample, held

    def _added(self, built: Path, sample: Path, months: list[str]) -> float:
        """Return the seconds of the last month; those before it warm the process up."""
        home = copy_home(built, self.workplace.folder / "adding")
        log = self.workplace.logs / "adding.log"
        module = "benchmarks.adding_a_month"
        command: list[str | Path] = [_PYTHON, "-m", module, home]
        command += [sample / "police_uk", *months]
        run(command, log, environment(home))
        return float(json.loads(log.read_text().strip().splitlines()[-1])[-1])

    # Memory, start, freshness ----------------------------------------------------------

    def memory(self) -> list[Figure]:
        """Compare the peak memory of `edp run` over many months and over fewer."""
        peaks = []
        for months in (self.scale.long, self.scale.months):
            landed = self.workplace.landed(self.scale.size, months)
            taken, _ = self._edp_run(landed)
            peaks.append(taken.peak)
            self.console.log(
                f"memory: {months} months {taken.peak / 2**30:.2f} GB, {taken.wall:.0f} s"
            )
        name = (
            f"peak memory of edp run at {self.scale.size} size: {self.scale.long} months "
            f"/ {self.scale.months} months"
        )
        seen: dict[str, object] = {"bytes": peaks}
        return [Figure(name, peaks[0] / peaks[1], 1.5, "ratio of peak memory", seen)]

    def definitions(self) -> list[Figure]:
        """Load the definitions, beside importing what they need, in fresh processes."""
        home = self.workplace.landed("small", 3)
        variables = environment(home)
        log = self.workplace.logs / "definitions.log"
        load = "from edp_platform.definitions import defs; defs()"
        ratios, seconds = [], []
        for number in range(self.scale.loads + 1):
            ours = run([_PYTHON, "-c", load], log, variables).wall
            bare = "import dagster, dagster_dbt"
            theirs = run([_PYTHON, "-c", bare], log, variables).wall
            if number:  # the first pair fills the disk cache
                seconds.append([ours, theirs])
                ratios.append(ours / theirs)
        name = "definitions load / import dagster, dagster_dbt alone"
        seen: dict[str, object] = {"seconds": seconds}
        return [
            Figure(name, statistics.median(ratios), 2.0, "ratio of wall time", seen)
        ]

    def freshness(self) -> list[Figure]:
        """Measure a file's way to the published mart: watched, and by the sensor."""
        months = self.scale.landings + self.scale.sensed + 2
        sample = self.workplace.sample("small", months)
        files = sorted((sample / "police_uk").rglob("*-sample-city-street.csv"))
        files = files[-(self.scale.landings + self.scale.sensed) :]
        landed = self.workplace.landed("small", months, [path.name for path in files])
        _, home = self._edp_run(landed, "served")
        watched = files[: self.scale.landings]
        with freshness.served(home, self.workplace.logs / "up.log", watch=True):
            # The first one loads what a run needs; the process stays warm after it.
            seconds = freshness.seconds_until_fresh(home, watched, 120)[1:]
        seen: dict[str, object] = {"seconds": seconds}
        ranked = sorted(seconds)
        p95 = ranked[min(len(ranked) - 1, round(0.95 * (len(ranked) - 1)))]
        title = "from a file landing to a fresh mart, warm process of edp up"
        figures = [
            Figure(f"{title}: p50", statistics.median(seconds), 5.0, "s", seen),
            Figure(f"{title}: p95", p95, 8.0, "s"),
        ]
        if self.scale.sensed:
            with freshness.served(home, self.workplace.logs / "up.log", watch=False):
                sensed = freshness.seconds_until_fresh(
                    home, files[self.scale.landings :], 600
                )
            name = "from a file landing to a fresh mart, Dagster's own sensor: p50"
            seen = {"seconds": sensed}
            figures.append(Figure(name, statistics.median(sensed), None, "s", seen))
        return figures

    # Serving ---------------------------------------------------------------------------

    def row_security(self) -> list[Figure]:
        """Queries of a mart under its policies beside the bare table."""
        self.console.log("row security")
        found = self._printed("benchmarks.row_security")
        return [
            Figure(
                "queries of a mart under row security / of the bare table",
                float(found["all_questions"]),
                1.2,
                "ratio of wall time",
                found,
            ),
            Figure(
                "queries under a limit to two forces / of the bare table with a WHERE",
                float(found["with_row_limit"]),
                None,
                "ratio of wall time",
                found,
            ),
        ]

    def audit(self) -> list[Figure]:
        """What the log of s.62 costs: it must not halve the speed of queries."""
        self.console.log("audit log")
        found = self._printed("benchmarks.audit_overhead")
        told = {
            "server_log": "small direct queries logged by the server / not logged",
            "chain": "edp sql's query with its events on the chain / without",
        }
        return [
            Figure(name, float(found[key]), 2.0, "ratio of wall time", found)
            for key, name in told.items()
        ]

    def _printed(self, module: str) -> dict[str, Any]:
        """Return what a benchmark of its own prints."""
        log = self.workplace.logs / f"{module.rpartition('.')[2]}.log"
        run([_PYTHON, "-m", module], log)
        return dict(json.loads(log.read_text(encoding="utf-8")))

    def publication(self) -> list[Figure]:
        """Publish the marts to PostgreSQL, beside raw COPY of the same rows."""
        landed = self.workplace.landed(self.scale.size, self.scale.months)
        _, home = self._edp_run(landed, "publication")
        log = self.workplace.logs / "publication.log"
        rounds = 2 * self.scale.rounds + 1
        run([_PYTHON, "-m", "benchmarks.publication", home, str(rounds)], log)
        told = json.loads(log.read_text().strip().splitlines()[-1])
        title = (
            f"publish the marts of {self.scale.months} months at {self.scale.size} size "
            "to PostgreSQL"
        )
        figures = []
        for which, words in (
            ("plain", "raw binary COPY of the same rows"),
            (
                "indexed",
                "raw binary COPY of the same rows, then the same indexes and statistics",
            ),
        ):
            ratios = [ours / theirs for ours, theirs in told[which]]
            seen: dict[str, object] = {"seconds": told[which], "rows": told["rows"]}
            # 1.25 times its time is four fifths of its rows a second.
            figures.append(
                Figure(
                    f"{title} / {words}",
                    statistics.median(ratios),
                    1.25,
                    "ratio of wall time",
                    seen,
                )
            )
        return figures

    # Signals ---------------------------------------------------------------------------

    def signals(self) -> list[Figure]:
        """Compute the signals of every series, and of a new month, beside polars."""
        title = (
            f"signals of {self.scale.measures} measures x 32 boroughs and 600 wards x "
            "10 years"
        )
        figures, peaks = [], {}
        for case, work, reach in (
            ("all", "all recomputed", 10.0),
            ("month", "one new month of one measure", 4.0),
            ("plain", "", None),
        ):
            log = self.workplace.logs / f"signals-{case}.log"
            sizes = [str(self.scale.rounds + 1), str(self.scale.measures)]
            taken = run([_PYTHON, "-m", "benchmarks.signals", case, *sizes], log)
            peaks[case] = taken.peak
            told = json.loads(log.read_text().strip().splitlines()[-1])
            if case == "plain":
                continue
            ratios = [ours / theirs for ours, theirs in told["seconds"]]
            seen: dict[str, object] = told | {"ratios": ratios, "bytes": taken.peak}
            name = f"{title}: {work} / plain polars, mean and moving range"
            figures.append(
                Figure(
                    name, statistics.median(ratios), reach, "ratio of wall time", seen
                )
            )
            self.console.log(f"signals, {case}: {told['seconds'][-1]}")
        name = f"peak memory of {title} / plain polars"
        memory: dict[str, object] = {"bytes": peaks}
        ratio = peaks["all"] / peaks["plain"]
        return [*figures, Figure(name, ratio, 6.0, "ratio of peak memory", memory)]


def machine() -> str:
    """Return what the figures were measured on."""
    memory = psutil.virtual_memory().total / 2**30
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}; load at the end "
        f"{load} (a load well above what is run here means other work, and noise)"
    )


def show(figures: list[Figure], console: Console) -> None:
    """Print the table."""
    table = Table("work", "measured", "reach", "")
    for one in figures:
        unit = "" if one.unit.startswith("ratio") else f" {one.unit}"
        mark = "" if one.reach is None else "ok" if one.ok else "[red]missed[/]"
        reach = "" if one.reach is None else f"{one.reach:g}{unit}"
        table.add_row(one.name, f"{one.measured:.2f}{unit}", reach, mark)
    console.print(table)
    console.print(machine(), highlight=False)


def keep(figures: list[Figure]) -> None:
    """Write the figures; those of cases that were not run stay as they were."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    results = {one["name"]: one for one in known} | {
        one.name: one.as_result() for one in figures
    }
    RESULTS.write_text(json.dumps(list(results.values()), indent=1) + "\n")
    details = json.loads(DETAILS.read_text()) if DETAILS.exists() else {}
    details |= {one.name: one.seen | {"machine": machine()} for one in figures}
    DETAILS.write_text(json.dumps(details, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks; return 0 when each was measured, within reach or not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = list(Benchmarks(Workplace(Path()), QUICK, Console()).cases)
    parser.add_argument("--quick", action="store_true", help="small, once, not kept")
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"one of {', '.join(names)}; repeat",
    )
    asked = parser.parse_args(arguments)
    console = Console()
    default = Path(tempfile.gettempdir()) / "edp-benchmarks"
    folder = Path(os.environ.get("EDP_BENCH_DIR") or default).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    benchmarks = Benchmarks(Workplace(folder), QUICK if asked.quick else FULL, console)
    figures: list[Figure] = []
    failed = False
    for name in asked.only or names:
        try:
            figures += benchmarks.cases[name]()
        except (CommandFailed, TablesDiffer) as error:
            failed = True
            console.print(f"{name}: {error}", style="red", markup=False)
    show(figures, console)
    if not asked.quick:
        keep(figures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
