"""What may be said of a finding (rule 41)."""

from __future__ import annotations

import re
from typing import Literal

from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces

Wording = Literal[
    "caused", "associated", "no clear change", "no change that matters", "cannot tell"
]
#: Words that lay an outcome on an activity. Denials are refused too ("did not cause"):
#: a claim of no cause needs as much as a claim of one.
_CAUSAL = re.compile(
    r"\b(caus(e|es|ed|ing|al|ally|ation)"
    r"|(led|leads?|leading) to|because of|due to|thanks to|owing to"
    r"|brought about|results? (in|from)|resulted (in|from)|as a result"
    r"|attribut(able|ed|es) to|driven by|drove|prevent(s|ed)|avert(s|ed)"
    r"|(reduc|lower|cut|increas|rais|halv|curb)(es|ed|s|ts)?\b(?= (the |reported )?"
    r"(\w+ ){0,3}(crime|violence|burglar|robber|theft|offence|report|trust|harm))"
    r"|(effects?|impacts?) (of|on)|effective(ly|ness)?|because"
    r"|work(s|ed) (well|here|there)?|(brought|made|make|makes|bring|brings)\b.{0,40}"
    r"\b(down|fall|drop|rise|up)"
    r"|(stop|deter|slash)(s|ped|red|ed)?|responsible for"
    r"|(was|were|been|is|are) (reduced|lowered|cut|increased|raised|halved) by"
    r"|(reduced|lowered|cut|slashed|halved) \w+ by)\b",
    re.IGNORECASE,
)


@enforces(
    41, door="the mart evaluation_results, edp evaluation, conclusions of evaluations"
)
def causal_wording(words: str, wording: Wording | None) -> tuple[Refusal, ...]:
    """Return why words that name a cause may not stand.

    Args:
        words: what is to be said of an activity and an outcome.
        wording: what the evaluation of the two came to; None where there is none.
    """
    said = _CAUSAL.search(words)
    if said is None or wording == "caused":
        return ()
    came_to = (
        "no evaluation of it is registered"
        if wording is None
        else f'its evaluation came to "{wording}"'
    )
    return (
        Refusal(
            rule="causal_wording",
            missing=f'"{said[0]}" names a cause, and {came_to}.',
            why="Only a plan registered before the outcomes were seen, whose placebo "
            "months and areas, trends before and displacement were all passed, can "
            "tell a cause from what went along with it.",
            next_step='Write "is associated with", or "went along with"; edp evaluation '
            "show ID says which check was not passed.",
            number=41,
        ),
    )
