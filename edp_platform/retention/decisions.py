"""What people decided about persons, holds that stop disposal, and what was noticed.

All append-only, all by keyed hash: a decision stays on record when the person does not.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import polars as pl

from edp_platform.append_only import AppendOnly
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.retention.computing import INPUTS
from edp_platform.retention.schedule import RESETS
from edp_platform.told import Told

#: The questions of the National Retention Assessment Criteria (College of Policing APP).
#: Any yes is a reason to retain until the next review.
NRAC = {
    "serious-harm": "Is there evidence of a capacity to inflict serious harm?",
    "vulnerable": "Are there concerns in relation to children or vulnerable adults?",
    "trust": "Did the behaviour involve a breach of trust?",
    "links": "Is there evidence of links or associations which might raise the risk?",
    "substances": "Are there concerns in relation to substance misuse?",
    "mental-state": "Are there concerns that the mental state might raise the risk?",
}
#: Kinds of event that no data set reports and a person may note.
NOTICES = ("intelligence", *(kind for kind in RESETS if not kind.endswith("_offence")))


class DecisionRefused(Told):
    """The decision was not recorded; the message says what is missing."""


@dataclass(frozen=True)
class Decision:
    """One decision on one person.

    Attributes:
        id: of the decision.
        subjects: keyed hashes of every identifier the person had.
        decision: retain or dispose.
        by: id of the person of the register who decided.
        on: the day.
        reason: in words.
        nrac: questions of `NRAC` answered yes.
        rule: the schedule's rule at that time.
        state: what the review said at that time.
    """

    id: str
    subjects: tuple[str, ...]
    decision: Literal["retain", "dispose"]
    by: str
    on: str
    reason: str
    nrac: tuple[str, ...]
    rule: str | None
    state: str


class Decisions:
    """`EDP_HOME/retention/decisions.jsonl`: the asset `rrd_decision`."""

    def __init__(self, home: Home) -> None:
        self._key = SubjectKey(home, "retention")
        self._register = AppendOnly(home.retention / "decisions.jsonl")

    def all(self) -> list[Decision]:
        """Return every decision, oldest first."""
        return [
            Decision(
                **{
                    **row,
                    "subjects": tuple(row["subjects"]),
                    "nrac": tuple(row["nrac"]),
                }
            )
            for row in self._register.rows()
        ]

    def latest(self) -> dict[str, Decision]:
        """Return keyed hash → the last decision on that person."""
        return {subject: one for one in self.all() for subject in one.subjects}

    def subject(self, nominal_id: str) -> str:
        """Return the keyed hash by which decisions know somebody."""
        return self._key.of(nominal_id)

    def decided(self, nominal_ids: pl.Series) -> pl.DataFrame:
        """Return the last decision on each of the persons who have one.

        Returns:
            `nominal_id`, `decision`, `by`, `on` (date), `id`.
        """
        latest = self.latest()
        schema = {
            "subject": pl.String,
            "decision": pl.String,
            "by": pl.String,
            "on": pl.Date,
            "id": pl.String,
        }
        known = pl.DataFrame(
            [
                {
                    "subject": subject,
                    "decision": one.decision,
                    "by": one.by,
                    "on": date.fromisoformat(one.on),
                    "id": one.id,
                }
                for subject, one in latest.items()
            ],
            schema=schema,
        )
        if known.is_empty() or nominal_ids.is_empty():
            return known.clear().rename({"subject": "nominal_id"})
        asked = pl.DataFrame(
            {
                "nominal_id": nominal_ids,
                "subject": self._key.hashed(nominal_ids),
            }
        )
        return asked.join(known, on="subject", how="inner").drop("subject")

    def add(
        self,
        nominal_ids: Sequence[str],
        decision: Literal["retain", "dispose"],
        *,
        by: str,
        reason: str,
        nrac: Sequence[str],
        rule: str | None,
        state: str,
        today: date,
    ) -> Decision:
        """Record a decision on one person.

        Raises:
            DecisionRefused: no reason; a decision to retain that answers no question of
                `NRAC` yes, or answers one that is not there.
            WriteFailed: it cannot be written.
        """
        if not reason.strip():
            raise DecisionRefused(
                "The decision gives no reason, and it stays on record for good. Say why "
                "with --reason."
            )
        unknown = sorted(set(nrac) - set(NRAC))
        if unknown:
            raise DecisionRefused(
                f"{', '.join(unknown)} is no question of the retention criteria; there "
                f"are {', '.join(NRAC)}."
            )
        if decision == "retain" and not nrac:
            raise DecisionRefused(
                "To retain beyond the period at least one question of the National "
                "Retention Assessment Criteria is answered yes: name it with --nrac "
                f"({', '.join(NRAC)})."
            )
        made = Decision(
            id=f"RD-{today:%Y%m%d}-{secrets.token_hex(4)}",
            subjects=tuple(self._key.of_each(nominal_ids)),
            decision=decision,
            by=by,
            on=today.isoformat(),
            reason=reason,
            nrac=tuple(nrac),
            rule=rule,
            state=state,
        )
        self._register.add(dict(made.__dict__))
        return made


class Holds:
    """Legal holds on persons (by keyed hash) and on crimes: nothing held is deleted."""

    def __init__(self, home: Home) -> None:
        self._key = SubjectKey(home, "hold")
        self._register = AppendOnly(home.retention / "holds.jsonl")

    def set(
        self, what: str, is_crime: bool, held: bool, by: str, reason: str, now: datetime
    ) -> None:
        """Hold a person or a crime, or lift the hold.

        Raises:
            WriteFailed: it cannot be written.
        """
        name = {"crime": what} if is_crime else {"subject": self._key.of(what)}
        state = "held" if held else "lifted"
        row: dict[str, Any] = {"state": state, "by": by, "reason": reason}
        self._register.add(name | row | {"at": now.isoformat()})

    def _in_force(self, name: str) -> frozenset[str]:
        last = {row[name]: row["state"] for row in self._register.rows() if name in row}
        return frozenset(one for one, state in last.items() if state == "held")

    def crimes(self) -> frozenset[str]:
        """Return the numbers of the crimes held."""
        return self._in_force("crime")

    def nominals(self, nominal_ids: pl.Series) -> list[str]:
        """Return those of the persons who are held."""
        held = self._in_force("subject")
        if not held or nominal_ids.is_empty():
            return []
        hashes = self._key.hashed(nominal_ids)
        found: list[str] = nominal_ids.filter(
            hashes.is_in(pl.Series(sorted(held)).implode())
        ).to_list()
        return found

    def holds(self, nominal_id: str) -> bool:
        """Whether one person is held by name."""
        return self._key.of(nominal_id) in self._in_force("subject")


class Notices:
    """Events by which a person came to notice that no data set reports."""

    def __init__(self, home: Home) -> None:
        self._key = SubjectKey(home, "notice")
        self._register = AppendOnly(home.retention / "notices.jsonl")

    def add(self, nominal_id: str, kind: str, on: date, by: str, now: datetime) -> None:
        """Note one.

        Raises:
            DecisionRefused: no such kind.
            WriteFailed: it cannot be written.
        """
        if kind not in NOTICES:
            raise DecisionRefused(
                f"{kind} is no kind of event; there are {', '.join(NOTICES)}."
            )
        self._register.add(
            {
                "subject": self._key.of(nominal_id),
                "kind": kind,
                "on": on.isoformat(),
                "by": by,
                "at": now.isoformat(),
            }
        )

    def of(self, nominal_ids: pl.Series) -> pl.DataFrame:
        """Return `nominal_id`, `kind`, `on` of these persons' notices."""
        rows = self._register.rows()
        if not rows or nominal_ids.is_empty():
            return pl.DataFrame(schema=INPUTS["contacts"])
        noted = pl.DataFrame(
            [
                {
                    "subject": row["subject"],
                    "kind": row["kind"],
                    "on": date.fromisoformat(row["on"]),
                }
                for row in rows
            ]
        )
        asked = pl.DataFrame(
            {"nominal_id": nominal_ids, "subject": self._key.hashed(nominal_ids)}
        )
        return asked.join(noted, on="subject").select(*INPUTS["contacts"])
