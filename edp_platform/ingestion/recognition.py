"""Which data set is this file? Its header must fit, and its name must say the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edp_platform.datasets import DataSet
from edp_platform.ingestion.readers import UnreadableFile


@dataclass(frozen=True)
class Recognised:
    """A file and what it is."""

    data_set: DataSet
    parts: dict[str, str]

    @property
    def scope(self) -> str:
        """What the name says beside the month, so that slices coexist."""
        return self.parts.get("force", "")


class NotRecognised(ValueError):
    """No data set takes this file; it was not landed."""


def recognise(
    path: Path, name: str, data_sets: Iterable[DataSet], stated: str | None = None
) -> Recognised:
    """Say what a file is.

    Args:
        path: where its bytes are.
        name: the base name it was received under.
        data_sets: those it may be.
        stated: the data set's name, where the person who lands it says so.

    Raises:
        NotRecognised: with the nearest data set and how the file differs from it.
    """
    candidates = [one for one in data_sets if stated in (None, one.name)]
    by_name = [
        (data_set, match.groupdict())
        for data_set in candidates
        for expression in data_set.contract.file_name_expressions
        if (match := expression.match(name))
    ]
    faults: list[tuple[int, str, str]] = []
    for data_set, parts in by_name:
        try:
            header = data_set.reader.header(path)
        except UnreadableFile as error:
            # Its own words say what to do; no column is at fault.
            raise NotRecognised(str(error)) from None
        misfit = data_set.reader.misfit(data_set.contract, header)
        if not misfit:
            return Recognised(data_set, _clean(parts))
        told = f"{data_set.name}: {'; '.join(misfit)}"
        faults.append((len(misfit), told, data_set.contract.dpia_ref))
    if by_name:
        _, nearest, dpia = min(faults)
        raise NotRecognised(
            f"{name} is named like a file of the data set {nearest.rstrip('.')}. Rule "
            f"3: a column that {dpia} does not cover may not be loaded, and a missing "
            f"one cannot be made up. Change the contract and {dpia}, or ask the "
            "supplier for the agreed columns."
        )
    fitting = [one for one in candidates if not _misfit(path, one)]
    nameless = [
        one for one in fitting if "{" not in "".join(one.contract.file_patterns)
    ]
    if len(nameless) == 1:
        return Recognised(nameless[0], {})
    if fitting:
        patterns = "; ".join(
            pattern for one in fitting for pattern in one.contract.file_patterns
        )
        raise NotRecognised(
            f"{name} has the columns of {', '.join(one.name for one in fitting)}, but "
            "its name does not say the rest (which month, which force). Rename it "
            f"like this and land it again: {patterns}"
        )
    known = ", ".join(sorted(one.name for one in candidates)) or stated
    raise NotRecognised(
        f"{name} is not a file of any data set here ({known}). Nothing is kept "
        "without a contract and a DPIA. To bring it on: edp new dataset NAME --from "
        f"{name}"
    )


def _misfit(path: Path, data_set: DataSet) -> list[str]:
    try:
        header = data_set.reader.header(path)
    except UnreadableFile as error:
        return [str(error)]
    return data_set.reader.misfit(data_set.contract, header)


def _clean(parts: dict[str, str | None]) -> dict[str, str]:
    return {name: value.lower() for name, value in parts.items() if value}
