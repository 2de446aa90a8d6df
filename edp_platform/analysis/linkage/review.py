"""The doubtful pairs, side by side, for a person to decide.

Holds values of people's records: whoever calls has asked who looks, may they, and what
for, and logs it before anything is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from edp_platform.analysis.linkage.decisions import Decision
from edp_platform.analysis.linkage.failure import DecisionRefused
from edp_platform.analysis.linkage.model import NOT_KNOWN
from edp_platform.analysis.linkage.nominals import NOMINAL
from edp_platform.analysis.linkage.scoring import LEFT, RIGHT
from edp_platform.analysis.linkage.store import LinkageStore
from edp_platform.contracts import Contract
from edp_platform.ingestion.row_lock import moving_rows


@dataclass(frozen=True)
class ReviewPair:
    """One pair side by side.

    Attributes:
        pair: its short name.
        nominal_ids: the two.
        probability: what the score says; None where it says nothing.
        reason: why it waits.
        rows: column, value of the one, of the other, how far they agree.
    """

    pair: str
    nominal_ids: tuple[str, str]
    probability: float | None
    reason: str
    rows: tuple[tuple[str, str, str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the pair for JSON."""
        return asdict(self)


def review_pairs(
    store: LinkageStore, contract: Contract, *, pair: str | None, limit: int
) -> list[ReviewPair]:
    """Return pairs that wait, the likeliest first; or one pair by name.

    Nothing of a nominal that has left the lake (restricted, disposed of) is shown.

    Raises:
        NothingScored: no queue stands.
        DecisionRefused: there is no such pair.
    """
    chosen = store.queue().head(limit) if pair is None else _pair(store, pair)
    wanted = pl.concat([chosen[LEFT], chosen[RIGHT]]).unique()
    nominals = store.nominals(contract).filter(pl.col(NOMINAL).is_in(wanted.implode()))
    values = {row[NOMINAL]: row for row in nominals.to_dicts()}
    found = []
    for row in chosen.to_dicts():
        one, other = values.get(row[LEFT]), values.get(row[RIGHT])
        if one is None or other is None:
            continue
        found.append(
            ReviewPair(
                pair=row["pair"],
                nominal_ids=(row[LEFT], row[RIGHT]),
                probability=row["match_probability"],
                reason=row["reason"],
                rows=tuple(
                    (
                        column,
                        _text(one[column]),
                        _text(other[column]),
                        row[f"agreement_{column}"] or NOT_KNOWN,
                    )
                    for column in store.model.columns
                ),
            )
        )
    return found


def decide_pair(
    store: LinkageStore,
    pair: str,
    answer: str,
    *,
    by: str,
    at: str,
    why: str,
    log: Callable[[tuple[str, str]], None] = lambda subjects: None,
) -> Decision:
    """Record a decision on a pair that was scored or decided before.

    Args:
        store: of the home.
        pair: its short name.
        answer: same, different or withdrawn.
        by: the person who decided.
        at: the moment, ISO 8601.
        why: in their words.
        log: called with the two nominals once the decision is sound and before it is
            recorded; what it raises stops the recording.

    Raises:
        NothingScored: no pairs stand.
        DecisionRefused: there is no such pair, or the decision is not whole.
        WriteFailed: it cannot be written.
    """
    row = _pair(store, pair).row(0, named=True)
    decision = Decision(
        pair=pair,
        nominal_id_l=row[LEFT],
        nominal_id_r=row[RIGHT],
        answer=answer,  # type: ignore[arg-type]
        by=by,
        at=at,
        why=why.strip(),
        match_probability=row["match_probability"],
        model_version=row["model_version"],
    )
    # Not while a disposal goes on: it would write back somebody who was just removed.
    with moving_rows(store.home):
        store.decisions.add(decision, lambda: log((row[LEFT], row[RIGHT])))
    return decision


def _pair(store: LinkageStore, pair: str) -> pl.DataFrame:
    scored = store.pairs().filter(pl.col("pair") == pair)
    if scored.is_empty():
        decided = store.decisions.all().filter(pl.col("pair") == pair).tail(1)
        scored = pl.concat([scored, decided], how="diagonal").select(scored.columns)
    if scored.is_empty():
        raise DecisionRefused(
            f"There is no pair {pair}: it was neither scored nor decided. List those "
            "that wait with: edp linkage review"
        )
    return scored.with_columns(reason=pl.coalesce("doubt", pl.lit("asked for by name")))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
