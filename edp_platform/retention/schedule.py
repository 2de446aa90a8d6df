"""The retention schedule, as the review of persons reads it from the registers.

Periods, resets and who confirmed them are data; what stands here is only which rule is
asked for whom. Source: College of Policing APP (review, retention and disposal) under
the Police Information and Records Management Code 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from edp_platform.governance.records.retention_rule import RetentionRule
from edp_platform.governance.registers import Registers

#: Offence group of a person who was suspected or convicted → the rule asked.
GROUP_RULES = {1: "G1", 2: "G2", 3: "G3"}
#: A person who was only ever a victim, a witness or otherwise linked.
OTHERS_RULE = "G4D"
#: A report that nobody was identified for: of group 1 or 2, and of any other.
UNDETECTED_SERIOUS_RULE = "G4A"
UNDETECTED_RULE = "G4B"
CHILD_RULE = "UN10"
HOLD_RULE = "LH"
QUARANTINE_RULE = "QUARANTINE"

#: Under this age nobody can commit an offence (Children and Young Persons Act 1933
#: s.50); a record about such a child takes a special decision (Children Act 2004 s.11).
AGE_OF_RESPONSIBILITY = 10

#: What starts a clear period whatever the rule says: intelligence submitted, the last
#: police action, a fixed penalty or caution, a decision taken or handed down.
STARTS = ("intelligence", "police_action", "caution", "decision")
#: Kind of event → how the schedule's `resets` names it. What a rule does not name does
#: not begin its clear period again: a subject access request, unless the force says so.
RESETS = {
    "new_offence": "a new offence",
    "suspected_offence": "a suspected offence",
    "risk_of_harm": "evidence of risk of harm",
    "information_request": "a law enforcement request for information",
    "dbs_request": "a Disclosure and Barring Service request",
    "subject_access_request": "a subject access request",
}


@dataclass(frozen=True)
class Schedule:
    """The rules in force or not, by id."""

    rules: dict[str, RetentionRule]

    def is_in_force(self, rule_id: str, today: date) -> bool:
        """Whether a rule is there, confirmed, and applies on a day (rule 17)."""
        rule = self.rules.get(rule_id)
        return (
            rule is not None
            and rule.confirmed_by is not None
            and rule.confirmed_on is not None
            and rule.confirmed_on <= today
            and rule.effective_from <= today
        )

    def counting_kinds(self, rule_id: str) -> list[str]:
        """Return the kinds of event that begin the rule's clear period."""
        rule = self.rules.get(rule_id)
        named = set(rule.resets) if rule else set()
        return [*STARTS, *(kind for kind, words in RESETS.items() if words in named)]

    def unknown_resets(self) -> list[str]:
        """Return `rule: words` for each reset that no kind of event is known for.

        Left alone it would never count, and somebody would be disposed of too early.
        """
        known = set(RESETS.values())
        return [
            f"{rule.id}: {words}"
            for rule in self.rules.values()
            for words in rule.resets
            if words not in known
        ]


def read_schedule(registers: Registers) -> Schedule:
    """Read the schedule of a force's registers.

    A record that cannot be relied on is left out, so what it rules is never deleted.
    """
    return Schedule(dict(registers.retention_rules))
