"""Sample files made once, and homes in which they are landed but not yet loaded."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import edp, environment, run

#: Every sample ends here, so that figures of different days are of the same files.
END_MONTH = "2025-12"


@dataclass(frozen=True)
class Workplace:
    """Where the benchmarks keep what they make.

    Attributes:
        folder: outside the checkout; samples in it are made once and used again.
    """

    folder: Path

    @property
    def logs(self) -> Path:
        """Where the output of the commands goes."""
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return logs

    def sample(self, size: str, months: int) -> Path:
        """Return the sample force's files, made now if they are not there."""
        target = self.folder / f"sample-{size}-{months}"
        if (target / "truth.json").exists():
            return target
        shutil.rmtree(target, ignore_errors=True)
        run(
            edp(
                *("sample", "--size", size, "--months", str(months)),
                *("--end-month", END_MONTH, "--target", target, "--published-only"),
            ),
            self.logs / "sample.log",
            environment(self.folder / "home-of-samples"),
        )
        return target

    def landed(self, size: str, months: int, held_back: Sequence[str] = ()) -> Path:
        """Return a new home: a sample landed, the manifest ready, nothing loaded.

        Args:
            size: of the sample.
            months: of the sample.
            held_back: parts of paths; police.uk files that hold one are not landed.
        """
        sample = self.sample(size, months)
        home = self.folder / f"landed-{size}-{months}-{len(held_back)}"
        shutil.rmtree(home, ignore_errors=True)
        variables = environment(home)
        run(edp("manifest"), self.logs / "manifest.log", variables)
        earlier = sample / "police_uk_earlier_release"
        if earlier.exists():
            command = edp("land", earlier, "--released", "2020-01-01")
            run(command, self.logs / "land.log", variables)
        chosen = [
            path
            for path in sorted((sample / "police_uk").rglob("*.csv"))
            if not any(part in path.name for part in held_back)
        ]
        run(
            edp("land", *chosen, sample / "london_datastore", sample / "reference"),
            self.logs / "land.log",
            variables,
        )
        return home

    def scratch(self, name: str) -> Path:
        """Return an empty folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def copy_home(home: Path, target: Path) -> Path:
    """Copy a home; originals, which nobody changes, are linked.

    Everything else is copied: DuckDB and SQLite write into their files.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for child in home.iterdir():
        if child.is_dir():
            linked = child.name == "landing"
            copy = shutil.copy2 if not linked else _link
            shutil.copytree(child, target / child.name, copy_function=copy)
        else:
            shutil.copy2(child, target / child.name)
    return target


def read_once(folder: Path) -> None:
    """Read every file, so that what is measured next does not wait for the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                while stream.read(1 << 24):
                    pass


def _link(source: str, target: str) -> str:
    Path(target).hardlink_to(source)
    return target
