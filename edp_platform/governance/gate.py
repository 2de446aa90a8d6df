"""The gate: may this data set's columns enter this layer for this purpose today?

Pure: every door (landing, raw, dbt, a query) asks the same questions and refuses on the
same answers. Each question is a numbered rule; its function is what the door asks and
what a mutation test takes away. Sources: UK GDPR Arts. 5, 6, 9, 10, 35, 36; DPA 2018
ss. 35-42, 57, 64, 65 and Schs. 1 and 8.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date

from edp_platform.contracts import Contract
from edp_platform.governance.records.dpia import Dpia, Layer, Regime
from edp_platform.governance.records.people import Person
from edp_platform.governance.records.policy_document import PolicyDocument
from edp_platform.governance.records.purpose import Purpose
from edp_platform.governance.refusal import GateRefused, Refusal
from edp_platform.governance.review_dates import (
    LONGEST_EXTENSION,
    a_year_after,
    stands,
)
from edp_platform.governance.rules import enforces

__all__ = [
    "GateRefused",
    "Refusal",
    "approved_in_date",
    "columns_covered",
    "commissioner_consulted",
    "duties_separated",
    "examine",
    "general_use_authorised",
    "measures_exist",
    "owned_by_its_contract",
    "purposes_registered",
    "retention_registered",
    "sensitive_conditions",
    "within_scope",
]

_DOORS = "landing, raw assets, dbt models, publication, questions"
_PART2_ONLY = ("art6", "art9", "sch1", "art10_sch1")
_PART3_ONLY = ("s35", "sensitive", "sch8")


def examine(
    contract: Contract,
    dpia: Dpia,
    parent: Dpia | None,
    *,
    layer: Layer,
    today: date,
    columns: Sequence[str] | None = None,
    purposes: Sequence[str] | None = None,
    use_case: str | None = None,
    registered: Mapping[str, Purpose] | None = None,
    documents: Mapping[str, PolicyDocument] | None = None,
    people: Mapping[str, Person] | None = None,
    checks: Collection[str] | None = None,
) -> tuple[Refusal, ...]:
    """Return every reason to refuse; an empty tuple opens the gate.

    Args:
        contract: the data set's contract, already valid.
        dpia: the record beside it.
        parent: the overarching DPIA it names, or None if there is none.
        layer: where the data would be written or read.
        today: the day of the question.
        columns: the columns that would be loaded; default all of the contract's.
        purposes: the purposes of the use; default those the contract states.
        use_case: the use case that asks, where one does.
        registered: the register of purposes; None asks nothing of it.
        documents: the register of policy documents; None asks nothing of it.
        people: the register of people; None asks nothing of it.
        checks: every check of the asset graph; None where no graph is loaded.
    """
    wanted = tuple(contract.column_names if columns is None else columns)
    used = tuple(contract.purposes if purposes is None else purposes)
    found = [
        *owned_by_its_contract(contract, dpia, parent),
        *approved_in_date(dpia, today, people),
    ]
    records = [dpia]
    if parent is not None and parent.id == dpia.parent:
        found += approved_in_date(parent, today, people)
        records.append(parent)
    found += columns_covered(contract, dpia, wanted)
    found += within_scope(contract, dpia, layer, used, use_case)
    for record in records:
        found += duties_separated(record)
        found += sensitive_conditions(record, documents, today, contract)
        found += commissioner_consulted(record, today)
        found += measures_exist(record, checks)
    found += general_use_authorised(contract, dpia, used, registered)
    return tuple(found)


@enforces(2, door=_DOORS)
def owned_by_its_contract(
    contract: Contract, dpia: Dpia, parent: Dpia | None
) -> tuple[Refusal, ...]:
    """Refuse a record of another data set, another major version, or no parent.

    Source: UK GDPR Art. 35; DPA 2018 s.64 (one assessment for each processing).
    """
    found = []
    if dpia.id != contract.dpia_ref:
        found.append(
            Refusal(
                "dpia-present",
                f"The contract names the DPIA {contract.dpia_ref}, the folder holds "
                f"{dpia.id}.",
                "A data set is loaded only under its own DPIA.",
                "Make `dpiaRef` and the record's `id` the same.",
                2,
            )
        )
    if parent is None or parent.id != dpia.parent:
        found.append(
            Refusal(
                "overarching-dpia",
                f"{_named(dpia)} names {dpia.parent} as its parent, which is not on "
                "record.",
                "Every data set stands under the platform's overarching DPIA.",
                "Add the overarching record to the registers, or correct `parent`.",
                2,
            )
        )
    if dpia.scope is None:
        found.append(
            Refusal(
                "scope",
                f"{_named(dpia)} has no scope.",
                "A record without scope covers nothing.",
                "Write `scope` with contract, columns, layers and purposes.",
                2,
            )
        )
        return tuple(found)
    covered = dpia.scope.of(contract.id)
    if covered is None or covered.contract_major != contract.major:
        stated = covered or dpia.scope.datasets[0]
        found.append(
            Refusal(
                "contract-version",
                f"{_named(dpia)} covers {stated.contract} version "
                f"{stated.contract_major}, the contract is {contract.id} version "
                f"{contract.major}.",
                "A new major version changes what is held, so it is assessed again.",
                "Have the DPIA reviewed for the new version.",
                2,
            )
        )
    return tuple(found)


@enforces(2, door=_DOORS)
def approved_in_date(
    dpia: Dpia, today: date, people: Mapping[str, Person] | None = None
) -> tuple[Refusal, ...]:
    """Refuse a record that is not approved, or not in date.

    A review is due within twelve months of the last; the senior information risk owner
    may put it off by fourteen days at most, on the record. Source: UK GDPR Art. 35(11);
    DPA 2018 s.64.
    """
    if dpia.status != "approved":
        return (
            Refusal(
                "approved",
                f"{_named(dpia)} is `{dpia.status}`, not approved.",
                "Personal data is processed only under an approved assessment.",
                "Have it signed off; `sign_off` names who and when.",
                2,
            ),
        )
    return (
        *_dates_to_come(dpia, today),
        *_advice(dpia),
        *_review(dpia, today, people or {}, asks_people=people is not None),
    )


def _dates_to_come(dpia: Dpia, today: date) -> Iterator[Refusal]:
    screened = [("screening.on", dpia.screening.on)]
    advised = [("dpo_advice.on", dpia.dpo_advice.on)] if dpia.dpo_advice else []
    reviewed = [("review.last", dpia.review.last)]
    signed = [("sign_off", mark.on) for mark in dpia.sign_off]
    for name, day in (*signed, *screened, *advised, *reviewed):
        if day is not None and day > today:
            said = {
                "sign_off": "is signed with a date in the future",
                "screening.on": "was screened on a date in the future",
                "dpo_advice.on": "was advised on with a date in the future",
                "review.last": "was reviewed on a date in the future",
            }[name]
            yield Refusal(
                "approved",
                f"{_named(dpia)} {said} ({day}).",
                "It is not in force before it is signed, screened and advised on.",
                f"Correct the date of `{name}`.",
                2,
            )
            return


def _advice(dpia: Dpia) -> Iterator[Refusal]:
    advice = dpia.dpo_advice
    if advice is None:
        if dpia.screening.needed:
            yield Refusal(
                "dpo-advice",
                f"{_named(dpia)} has no advice of the data protection officer.",
                "The controller seeks it for every assessment that is needed (UK GDPR "
                "Art. 35(2)).",
                "Ask, and write the answer under `dpo_advice`.",
                2,
            )
    elif advice.outcome == "pending":
        yield Refusal(
            "dpo-advice",
            f"The data protection officer's advice on {_named(dpia)} is pending.",
            "Approval without the advice that was asked for is no approval.",
            "Wait for it, and write `outcome: accepted` or `overruled` with the reason.",
            2,
        )
    elif advice.outcome == "overruled" and not (advice.overrule_reason or "").strip():
        yield Refusal(
            "dpo-advice",
            f"The data protection officer's advice on {_named(dpia)} is overruled with "
            "no reason.",
            "Whoever decides against the advice says why, so that it can be examined.",
            "Write `dpo_advice.overrule_reason`.",
            2,
        )


def _review(
    dpia: Dpia, today: date, people: Mapping[str, Person], *, asks_people: bool
) -> Iterator[Refusal]:
    review = dpia.review
    since = review.last or max((mark.on for mark in dpia.sign_off), default=None)
    if since is not None and review.due > a_year_after(since):
        yield Refusal(
            "in-date",
            f"{_named(dpia)} is due for review on {review.due}, more than twelve months "
            f"after {since}.",
            "Every assessment is looked at again within a year.",
            "Set `review.due` within twelve months of the last review or signature.",
            2,
        )
    if review.due >= today:
        return
    extension = review.extension
    if extension is None or extension.until < today:
        yield Refusal(
            "in-date",
            f"{_named(dpia)} was due for review on {review.due}.",
            "An assessment that nobody looked at again no longer covers the data.",
            "Review it, and set the day of the next review in `review.due`.",
            2,
        )
        return
    granter = people.get(extension.by)
    wrong = ""
    if not stands(extension, review.due, today):
        wrong = (
            f"until {extension.until}, more than {LONGEST_EXTENSION.days} days"
            if extension.until > review.due + LONGEST_EXTENSION
            else f"with a date in the future ({extension.on})"
        )
    elif asks_people and (
        granter is None or granter.role != "senior_information_risk_owner"
    ):
        wrong = f"by {extension.by}, who is not the senior information risk owner"
    if wrong:
        yield Refusal(
            "in-date",
            f"{_named(dpia)} was due for review on {review.due} and is extended {wrong}.",
            "Only the senior information risk owner may put a review off, by 14 days.",
            "Review it, or have `review.extension` granted within the limit.",
            2,
        )


@enforces(3, door=_DOORS)
def columns_covered(
    contract: Contract, dpia: Dpia, columns: Sequence[str]
) -> tuple[Refusal, ...]:
    """Refuse columns that the DPIA does not name.

    Source: UK GDPR Arts. 5(1)(c), 35(7)(a); DPA 2018 ss. 37, 64(3).
    """
    if dpia.scope is None:
        return ()
    covered = dpia.scope.of(contract.id) or dpia.scope.datasets[0]
    uncovered = [name for name in columns if name not in covered.columns]
    if not uncovered:
        return ()
    return (
        Refusal(
            "columns",
            f"{_named(dpia)} does not cover the column{'s' * (len(uncovered) > 1)} "
            f"{', '.join(uncovered)}.",
            "A column nobody assessed may not be loaded.",
            "Have the DPIA extended to it, or take the column out of the contract.",
            3,
        ),
    )


@enforces(4, door=_DOORS)
def within_scope(
    contract: Contract,
    dpia: Dpia,
    layer: Layer,
    purposes: Sequence[str],
    use_case: str | None,
) -> tuple[Refusal, ...]:
    """Refuse a layer, purpose or use case outside the DPIA's scope.

    Source: UK GDPR Art. 5(1)(b); DPA 2018 s.36 (purpose limitation).
    """
    scope = dpia.scope
    if scope is None:
        return ()
    found = []
    covered = scope.of(contract.id) or scope.datasets[0]
    if layer not in covered.layers:
        found.append(
            Refusal(
                "layer",
                f"{_named(dpia)} does not cover the layer `{layer}`.",
                f"It was approved for {', '.join(covered.layers) or 'no layer'} only.",
                "Have the DPIA extended to the layer.",
                4,
            )
        )
    beyond = [purpose for purpose in purposes if purpose not in scope.purposes]
    if beyond:
        found.append(
            Refusal(
                "purpose",
                f"{_named(dpia)} does not cover the purpose{'s' * (len(beyond) > 1)} "
                f"{', '.join(beyond)}.",
                "Data collected for one purpose is not used for another unassessed.",
                "Have the DPIA extended to the purpose.",
                4,
            )
        )
    stated = {entry.purpose for entry in dpia.regimes}
    unfounded = [
        purpose
        for purpose in purposes
        if dpia.screening.needed and purpose in scope.purposes and purpose not in stated
    ]
    if unfounded:
        found.append(
            Refusal(
                "purpose",
                f"{_named(dpia)} states no regime and no law for the "
                f"purpose{'s' * (len(unfounded) > 1)} {', '.join(unfounded)}.",
                "Each purpose rests on a condition of its own.",
                "Write an entry under `regimes` for it.",
                4,
            )
        )
    if use_case is not None and scope.use_cases and use_case not in scope.use_cases:
        found.append(
            Refusal(
                "use-case",
                f"{_named(dpia)} does not cover the use case {use_case}.",
                f"It was approved for {', '.join(scope.use_cases)}.",
                "Have the DPIA extended to the use case.",
                4,
            )
        )
    return tuple(found)


@enforces(4, door=_DOORS)
def purposes_registered(
    contract: Contract, purposes: Container[str]
) -> tuple[Refusal, ...]:
    """Refuse a contract whose purposes stand in no register.

    Source: UK GDPR Art. 5(1)(b); DPA 2018 s.36(1).
    """
    unknown = [one for one in contract.purposes if one not in purposes]
    if not unknown:
        return ()
    return (
        Refusal(
            "purpose-registered",
            f"The purpose{'s' * (len(unknown) > 1)} {', '.join(unknown)} of "
            f"{contract.id} stand in no register.",
            "Data is used only for purposes that somebody has signed.",
            "Add the purpose to the register `purposes`, or correct the contract.",
            4,
        ),
    )


@enforces(5, door=_DOORS)
def sensitive_conditions(
    dpia: Dpia,
    documents: Mapping[str, PolicyDocument] | None,
    today: date,
    contract: Contract,
) -> tuple[Refusal, ...]:
    """Refuse sensitive law enforcement processing without condition or policy document.

    A Part 3 entry over a contract with special category columns is sensitive, whatever
    it says. Source: DPA 2018 ss. 35(3)-(5), 35(8), 42 and Sch. 8.
    """
    special = dpia.kind == "dataset" and any(
        column.classification == "special-category" for column in contract.columns
    )
    found = []
    for entry in dpia.regimes:
        if entry.regime != "part3":
            continue
        about = f"{_named(dpia)}, purpose {entry.purpose},"
        if special and not entry.sensitive:
            found.append(
                Refusal(
                    "sensitive",
                    f"{about} is not marked sensitive, and the contract holds special "
                    "category columns.",
                    "Sensitive processing has conditions of its own (s.35(3) to (5)).",
                    "Write `sensitive: true`, `sch8` and `apd_ref` in the entry.",
                    5,
                )
            )
            continue
        if not entry.sensitive:
            continue
        # Consent (s.35(4)) stands in place of a condition, not of the document.
        if entry.s35 != "consent" and not entry.sch8:
            found.append(
                Refusal(
                    "sensitive",
                    f"{about} is sensitive and names no condition of Schedule 8.",
                    "Sensitive processing is lawful only under one (s.35(5)).",
                    "Write the paragraphs under `sch8`.",
                    5,
                )
            )
        outside = [one for one in entry.sch8 if not 1 <= one <= 9]
        if outside:
            found.append(
                Refusal(
                    "sensitive",
                    f"{about} names paragraphs that Schedule 8 does not have "
                    f"({', '.join(map(str, outside))}).",
                    "It has nine paragraphs.",
                    "Correct `sch8`.",
                    5,
                )
            )
        found += _policy_document(entry, about, documents, today)
    return tuple(found)


def _policy_document(
    entry: Regime,
    about: str,
    documents: Mapping[str, PolicyDocument] | None,
    today: date,
) -> Iterator[Refusal]:
    if not entry.apd_ref:
        missing = f"{about} is sensitive and names no appropriate policy document."
    elif documents is not None and entry.apd_ref not in documents:
        missing = f"{about} names the policy document {entry.apd_ref}, not on record."
    elif documents is not None and documents[entry.apd_ref].review_due < today:
        due = documents[entry.apd_ref].review_due
        document = f"the policy document {entry.apd_ref}"
        missing = f"{about} names {document}, which was due for review on {due}."
    else:
        return
    yield Refusal(
        "sensitive",
        missing,
        "The document says how the principles are kept and the data erased (s.42).",
        "Write it in the register `policy_documents`, and name it in `apd_ref`.",
        5,
    )


@enforces(6, door=_DOORS)
def general_use_authorised(
    contract: Contract,
    dpia: Dpia,
    purposes: Sequence[str],
    registered: Mapping[str, Purpose] | None,
) -> tuple[Refusal, ...]:
    """Refuse Part 3 data for a general purpose that no law authorises, and mixed entries.

    Source: DPA 2018 s.36(4); UK GDPR Arts. 6(1), 6(3), 10; DPA 2018 s.10(5), Sch. 1.
    """
    found = []
    for entry in dpia.regimes:
        mixed = _PART3_ONLY if entry.regime == "part2" else _PART2_ONLY
        stated = [name for name in mixed if getattr(entry, name)]
        if stated:
            other = "Part 3" if entry.regime == "part2" else "Part 2"
            found.append(
                Refusal(
                    "regimes-apart",
                    f"{_named(dpia)}, purpose {entry.purpose}, is a "
                    f"{entry.regime} entry and states {', '.join(stated)}, which is of "
                    f"{other}.",
                    "Part 2 and Part 3 never stand in one entry: each has its own law.",
                    "Write an entry for each, with its own purpose.",
                    6,
                )
            )
        purpose = (registered or {}).get(entry.purpose)
        if purpose is not None and purpose.regime != entry.regime:
            found.append(
                Refusal(
                    "regimes-apart",
                    f"{_named(dpia)} states the purpose {entry.purpose} under "
                    f"{entry.regime}; the register says {purpose.regime}.",
                    "A purpose is general or law enforcement, never both.",
                    "Correct `regime`, or use a purpose of that regime.",
                    6,
                )
            )
    if contract.regime != "part3":
        return tuple(found)
    entries = {entry.purpose: entry for entry in dpia.regimes}
    for name in purposes:
        purpose = (registered or {}).get(name)
        own = entries.get(name)
        is_general = (
            purpose.regime == "part2"
            if purpose is not None
            else own is not None and own.regime == "part2"
        )
        if not is_general:
            continue
        lacking = [
            field
            for field in ("law", "art6", "art10_sch1")
            if own is None or not getattr(own, field)
        ]
        if lacking:
            found.append(
                Refusal(
                    "general-use",
                    f"{_named(dpia)} does not name {', '.join(lacking)} for the general "
                    f"purpose {name}, and {contract.id} is law enforcement data.",
                    "Data collected for law enforcement is used for a general purpose "
                    "only where authorised by law (s.36(4)).",
                    "Write a part2 entry with `law`, `art6` and `art10_sch1`, or do not "
                    "use it for this.",
                    6,
                )
            )
    return tuple(found)


@enforces(7, door=_DOORS)
def commissioner_consulted(dpia: Dpia, today: date) -> tuple[Refusal, ...]:
    """Refuse a high residual risk that the Information Commissioner was not asked about.

    Source: UK GDPR Art. 36(1); DPA 2018 s.65(2).
    """
    high = [risk.id or "one" for risk in dpia.risks if risk.residual == "high"]
    asked = dpia.ico_consultation
    answered = (
        asked is not None
        and bool((asked.ref or "").strip())
        and (asked.on is None or asked.on <= today)
    )
    if not high or answered:
        return ()
    return (
        Refusal(
            "residual-high",
            f"{_named(dpia)} leaves a high risk ({', '.join(high)}) and names no "
            "reference of the Information Commissioner.",
            "What stays high after measures goes to the Commissioner before it begins.",
            "Consult, and write `ico_consultation: {required: true, ref: …}`, or lower "
            "the risk.",
            7,
        ),
    )


@enforces(8, door=f"reading the record; {_DOORS}")
def duties_separated(dpia: Dpia) -> tuple[Refusal, ...]:
    """Refuse a record whose author, adviser and signers are not different people.

    Source: UK GDPR Art. 38(6); DPA 2018 s.70(3) (no conflict of interests).
    """
    signers = {mark.by for mark in dpia.sign_off}
    found = []
    if dpia.author and dpia.author in signers:
        found.append(
            Refusal(
                "separation",
                f"The author of {_named(dpia)} ({dpia.author}) signs it.",
                "Whoever writes an assessment does not approve it (separation of duty).",
                "Have it signed by the information asset owner.",
                8,
            )
        )
    if dpia.dpo_advice and dpia.dpo_advice.by in signers | {dpia.author}:
        found.append(
            Refusal(
                "separation",
                f"The data protection officer advises on {_named(dpia)} and is its "
                "author or signer.",
                "The officer advises, and is neither author nor signer (separation of "
                "duty).",
                "Have somebody else write or sign it.",
                8,
            )
        )
    extension = dpia.review.extension
    if extension is not None and extension.by == dpia.author:
        found.append(
            Refusal(
                "separation",
                f"The author of {_named(dpia)} put its review off.",
                "Only the senior information risk owner may (separation of duty).",
                "Have the extension granted by them.",
                8,
            )
        )
    return tuple(found)


@enforces(11, door="raw assets, dbt models, publication, edp governance check --graph")
def measures_exist(dpia: Dpia, checks: Collection[str] | None) -> tuple[Refusal, ...]:
    """Refuse a DPIA that relies on a check no asset has, or on no check at all.

    Where no asset graph is loaded (landing, before anything is built) nothing is asked.
    Source: UK GDPR Art. 35(7)(d); DPA 2018 s.64(3)(d).
    """
    if checks is None:
        return ()
    measures = [one for risk in dpia.risks for one in risk.measures]
    found = []
    if any(not one.check and one.effect != "accepted" for one in measures):
        found.append(
            Refusal(
                "measure-exists",
                f"{_named(dpia)} relies on a measure that names no check.",
                "A measure that is only written down lowers no risk.",
                "Name the check that shows it, or write `effect: accepted`.",
                11,
            )
        )
    absent = sorted({one.check for one in measures if one.check} - set(checks))
    if not absent:
        return tuple(found)
    return (
        *found,
        Refusal(
            "measure-exists",
            f"{_named(dpia)} relies on the check{'s' * (len(absent) > 1)} "
            f"{', '.join(absent)}, which no asset has.",
            "A measure that is only written down lowers no risk.",
            "Build the check, or have the DPIA assessed again without it.",
            11,
        ),
    )


@enforces(15, door=_DOORS)
def retention_registered(
    contract: Contract, rules: Container[str], dpia: Dpia | None = None
) -> tuple[Refusal, ...]:
    """Refuse a contract whose retention rule stands in no schedule.

    Source: UK GDPR Art. 5(1)(e); DPA 2018 s.39.
    """
    found = []
    if contract.retention_rule not in rules:
        found.append(
            Refusal(
                "retention-registered",
                f"The retention rule {contract.retention_rule or '(none)'} of "
                f"{contract.id} stands in no schedule.",
                "Every data set has a rule for its review, retention and disposal.",
                "Add the rule to the register `retention_schedule`, or correct "
                "`rrdRule`.",
                15,
            )
        )
    stated = dpia.retention_rule if dpia else None
    if dpia is not None and stated and stated != contract.retention_rule:
        found.append(
            Refusal(
                "retention-registered",
                f"{_named(dpia)} names the retention rule {stated}, the contract "
                f"{contract.retention_rule}.",
                "What was assessed is what is kept, and for as long.",
                "Make `retention_rule` and the contract's `rrdRule` the same.",
                15,
            )
        )
    return tuple(found)


def _named(dpia: Dpia) -> str:
    # A refusal says DPIA where it is one, whatever the record is called.
    return dpia.id if "DPIA" in dpia.id else f"the DPIA {dpia.id}"


def lines(refusals: Iterable[Refusal]) -> str:
    """Return refusals as a list of lines."""
    return "\n".join(f"- {refusal}" for refusal in refusals)
