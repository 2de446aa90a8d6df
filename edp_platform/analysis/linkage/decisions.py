"""What people decided about pairs: append-only, the last word on a pair counts.

A decision is never changed or deleted; one that was wrong is followed by another, or by
a withdrawal, after which the score counts again.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from edp_platform.analysis.linkage.failure import DecisionRefused
from edp_platform.analysis.linkage.scoring import LEFT, RIGHT
from edp_platform.files import replacing

Answer = Literal["same", "different", "withdrawn"]

#: Decisions in force: at most one a pair, never a withdrawn one.
IN_FORCE_SCHEMA = pl.Schema(
    {"pair": pl.String(), LEFT: pl.String(), RIGHT: pl.String(), "answer": pl.String()}
)


#: Every decision, the earliest first; see `Decision`.
DECISIONS_SCHEMA = pl.Schema(
    {
        "pair": pl.String(),
        LEFT: pl.String(),
        RIGHT: pl.String(),
        "answer": pl.String(),
        "by": pl.String(),
        "at": pl.String(),
        "why": pl.String(),
        "match_probability": pl.Float64(),
        "model_version": pl.String(),
    }
)


@dataclass(frozen=True)
class Decision:
    """One decision.

    Attributes:
        pair: `pair_id` of the two nominals.
        nominal_id_l, nominal_id_r: the two, in order.
        answer: same, different, or withdrawn.
        by: the person of the register who decided.
        at: the moment, ISO 8601.
        why: in the person's own words.
        match_probability: what the model had said, None where it had said nothing.
        model_version: of that score.
    """

    pair: str
    nominal_id_l: str
    nominal_id_r: str
    answer: Answer
    by: str
    at: str
    why: str
    match_probability: float | None = None
    model_version: str | None = None


def pair_id(one: str, other: str) -> str:
    """Return the short name of a pair, the same whichever nominal comes first."""
    left, right = sorted((one, other))
    return hashlib.sha256(f"{left}\n{right}".encode()).hexdigest()[:12]


class Decisions:
    """The decisions of one home, in one file.

    Parquet, so that whatever searches the stores for a person finds them here too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> pl.DataFrame:
        """Return every decision (`DECISIONS_SCHEMA`), the earliest first."""
        if not self.path.exists():
            return pl.DataFrame(schema=DECISIONS_SCHEMA)
        return pl.read_parquet(self.path).select(list(DECISIONS_SCHEMA))

    def add(
        self, decision: Decision, before_it: Callable[[], None] = lambda: None
    ) -> None:
        """Record a decision after all that stand.

        Args:
            decision: what was decided.
            before_it: called once the decision is sound; what it raises stops it.

        Raises:
            DecisionRefused: no such answer, no reason, nobody named, one nominal only,
                or nothing to withdraw.
            WriteFailed: the disk is full or read-only.
        """
        _refuse_incomplete(decision)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with (self.path.parent / ".decisions.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.all()
            standing = in_force(before).filter(
                (pl.col(LEFT) == decision.nominal_id_l)
                & (pl.col(RIGHT) == decision.nominal_id_r)
            )
            if decision.answer == "withdrawn" and standing.is_empty():
                raise DecisionRefused(
                    "there is no decision on this pair to withdraw; the score counts"
                )
            before_it()
            row = pl.DataFrame([asdict(decision)], schema=DECISIONS_SCHEMA)
            with replacing(self.path) as temporary:
                pl.concat([before, row]).write_parquet(temporary)


def _refuse_incomplete(decision: Decision) -> None:
    if decision.nominal_id_l >= decision.nominal_id_r:
        raise DecisionRefused("a decision is about two nominals, in order")
    if decision.pair != pair_id(decision.nominal_id_l, decision.nominal_id_r):
        raise DecisionRefused("the pair is not that of these two nominals")
    if decision.answer not in get_args(Answer):
        raise DecisionRefused(
            f"`{decision.answer}` is no answer; write {', '.join(get_args(Answer))}"
        )
    if not decision.why.strip() or not decision.by.strip():
        raise DecisionRefused(
            "a decision needs who decided and why: others must be able to check it"
        )


def in_force(decisions: pl.DataFrame) -> pl.DataFrame:
    """Return the last answer on each pair (`IN_FORCE_SCHEMA`), without withdrawn ones.

    Args:
        decisions: `DECISIONS_SCHEMA`, the earliest first.
    """
    last = decisions.unique("pair", keep="last", maintain_order=True)
    standing = last.filter(pl.col("answer") != "withdrawn")
    return standing.select(list(IN_FORCE_SCHEMA)).sort(LEFT, RIGHT)
