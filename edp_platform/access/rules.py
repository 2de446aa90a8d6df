"""What a grant must keep before it opens anything: rules 8 and 18 to 21.

Pure: records, marts and a day in, refusals out. The database asks the dated ones again
at every query (`gov.live`), so that what lapses between two looks gives no rows.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from edp_platform.access.holders import Holder
from edp_platform.access.marts import DataSetState, Mart, MartColumn
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.records.grant import Grant
from edp_platform.governance.records.people import Person
from edp_platform.governance.records.purpose import Purpose
from edp_platform.governance.records.supplier import Supplier
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces
from edp_platform.governance.supplier_rules import supplier_complete

_DOORS = "edp access plan and apply, publication, every query (gov.may_read)"

#: Who may approve a grant: those who answer for the information.
APPROVERS = frozenset({"information_asset_owner", "senior_information_risk_owner"})
#: What a supplier may see, from nothing to data about people.
DATA_CLASSES = ("none", "open", "synthetic", "aggregate", "personal")
#: Months that a pro bono supplier may see anything (PCD 1305, 5.18).
S93_MONTHS = 6
#: The longest a contract grant stands without somebody looking whether it is needed.
QUARTER = timedelta(days=92)
#: Days before an end at which people are warned.
WARNINGS = (30, 14, 7)


@dataclass(frozen=True)
class Asked:
    """One grant on one mart, with all that decides whether it opens it.

    Attributes:
        grant: the record.
        holder: who it is for; None where nobody has the id.
        mart: the mart.
        columns: those of the mart that the grant names.
        states: data set → whether its DPIA lets it be seen.
        today: the day of the question.
    """

    grant: Grant
    holder: Holder | None
    mart: Mart
    columns: tuple[MartColumn, ...]
    states: Mapping[str, DataSetState]
    today: date

    @property
    def personal(self) -> tuple[MartColumn, ...]:
        """The columns that say something about a person."""
        return tuple(one for one in self.columns if one.is_personal)


@enforces(8, door="edp access plan and apply")
def approved_by_another(
    grant: Grant, people: Mapping[str, Person], today: date
) -> tuple[Refusal, ...]:
    """Refuse a grant that nobody else approved, or somebody who may not.

    Source: UK GDPR Art. 32(4); DPA 2018 s.66: access only on the controller's word.
    """
    why = "Nobody gives access to themselves, or to what they asked for."
    if grant.status != "approved":
        said = {
            "requested": "is asked for and not approved.",
            "refused": "was refused.",
            "revoked": f"was taken back on {grant.revoked_on}.",
        }[grant.status]
        return (
            Refusal(
                "grant-approved",
                f"The grant {grant.id} {said}",
                "Only what the information asset owner approved is open.",
                "Ask an information asset owner to approve it in the register `grants`."
                if grant.status == "requested"
                else "Ask for another: edp access request.",
                8,
            ),
        )
    by, on = str(grant.approved_by), grant.approved_on
    approver = people.get(by)
    wrong = ""
    if by in (grant.requested_by, grant.person):
        wrong = f"was approved by {by}, who asked for it or whom it is for."
    elif approver is None or approver.role not in APPROVERS:
        wrong = f"was approved by {by}, who is no information asset owner."
    elif on is None or on > today:
        wrong = f"is approved with a date in the future ({on})."
    elif approver.left is not None and approver.left <= on:
        wrong = f"was approved by {by} on {on}, after they left."
    elif on < grant.requested_on:
        wrong = f"was approved on {on}, before it was asked for."
    if not wrong:
        return ()
    return (
        Refusal(
            "grant-approved",
            f"The grant {grant.id} {wrong}",
            why,
            "Have another information asset owner approve it: `approved_by`, "
            "`approved_on`.",
            8,
        ),
    )


@enforces(18, door=_DOORS)
def grant_live(asked: Asked, purposes: Mapping[str, Purpose]) -> tuple[Refusal, ...]:
    """Refuse a grant that is not live today: dates, person, training, DPIA, purpose.

    Source: UK GDPR Arts. 5(1)(b), 5(1)(f), 32, 35(11); DPA 2018 ss.36, 40, 64, 66.
    """
    return (
        *_dated(asked),
        *_person(asked),
        *_purposes(asked, purposes),
        *_assessed(asked),
    )


def _dated(asked: Asked) -> Iterator[Refusal]:
    grant, today = asked.grant, asked.today
    if grant.starts <= today <= grant.last_day:
        return
    when = (
        f"begins on {grant.starts}"
        if today < grant.starts
        else f"ended on {grant.last_day}"
    )
    yield _not_live(
        "dates",
        f"The grant {grant.id} {when}.",
        "A grant opens nothing outside its dates.",
        "Ask for another: edp access request.",
    )


def _person(asked: Asked) -> Iterator[Refusal]:
    grant, holder, today = asked.grant, asked.holder, asked.today
    if holder is None:
        yield _not_live(
            "person",
            f"The grant {grant.id} is for {grant.person}, who is not on the register, "
            "or whose id more than one person has.",
            "Access is given to named people alone.",
            "Write the person in the register `people`, or under the supplier's "
            "`people`, with an id of their own.",
        )
        return
    if (grant.kind == "force") != (holder.supplier is None):
        yield _not_live(
            "person",
            f"The grant {grant.id} is of kind `{grant.kind}`, and {holder.id} is "
            f"{'a person of the force' if holder.supplier is None else 'a supplier'}.",
            "A supplier's limits apply to a supplier's people, whatever the grant says.",
            "Write the kind that fits.",
        )
    if holder.left is not None and holder.left <= today:
        yield _not_live(
            "left",
            f"{holder.id} left on {holder.left}.",
            "Who has left has no need to see anything.",
            "Take the grant back: `status: revoked`, `revoked_on`.",
        )
    must = holder.supplier is not None or bool(asked.personal)
    if must and not _holds(holder.training, holder.training_until, today):
        yield _not_live(
            "training",
            f"{holder.id} has no training Information and You that is in date "
            f"({_until(holder.training_until)}).",
            "Suppliers see nothing, and nobody sees personal data, without it.",
            f"{holder.id} does the training; write `information_and_you`.",
        )
    if asked.personal and not _holds(date.min, holder.vetted_until, today):
        yield _not_live(
            "vetting",
            f"{holder.id} has no vetting in date that lets them see personal data "
            f"({holder.vetting or 'none'}, {_until(holder.vetting_until)}).",
            "Personal data is shown to vetted people alone.",
            "Ask the vetting unit; write `vetting` and `vetting_until`.",
        )


def _holds(since: date | None, until: date | None, today: date) -> bool:
    return since is not None and until is not None and since <= today <= until


def _until(day: date | None) -> str:
    return f"until {day}" if day else "no date on record"


def _purposes(asked: Asked, purposes: Mapping[str, Purpose]) -> Iterator[Refusal]:
    grant = asked.grant
    unknown = [one for one in grant.purposes if one not in purposes]
    if unknown:
        yield _not_live(
            "purpose",
            f"The grant {grant.id} names {', '.join(unknown)}, which stands in no "
            "register.",
            "Data is used for registered purposes alone.",
            "Write a purpose of the register under `purposes`.",
        )
    shut: dict[tuple[str, ...], list[str]] = {}
    for source in asked.mart.sources:
        if not {*grant.purposes} & {*source.purposes} & {*purposes}:
            shut.setdefault(tuple(source.purposes), []).append(source.data_set)
    for used_for, data_sets in shut.items():
        yield _not_live(
            "purpose",
            f"{asked.mart.name} uses {', '.join(sorted(data_sets))} for "
            f"{', '.join(used_for) or 'no purpose'}, and the grant {grant.id} "
            f"is for {', '.join(grant.purposes)}.",
            "Data collected for one purpose is not seen for another.",
            "Write one of those purposes if it is why they need it, or have the "
            "DPIA reviewed.",
        )


def _assessed(asked: Asked) -> Iterator[Refusal]:
    yield from asked.mart.refusals
    for source in asked.mart.sources:
        yield from source.refusals
        state = asked.states.get(source.data_set)
        due = state.good_until if state else None
        if (
            state is not None
            and state.is_open
            and due is not None
            and due >= asked.today
        ):
            continue
        said = "; ".join(state.said) if state and state.said else _until(due)
        yield _not_live(
            "dpia",
            f"The DPIA of {source.data_set}, beneath {asked.mart.name}, does not let it "
            f"be seen ({said}).",
            "Nothing is shown that no assessment in date covers.",
            "Review the DPIA: edp dpia due.",
        )


def _not_live(rule: str, missing: str, why: str, next_step: str) -> Refusal:
    return Refusal(f"grant-{rule}", missing, why, next_step, 18)


@enforces(19, door=_DOORS)
def supplier_term(
    grant: Grant,
    supplier: Supplier | None,
    grants: Iterable[Grant],
    firm: Collection[str],
    today: date,
) -> tuple[Refusal, ...]:
    """Refuse a supplier's grant beyond six months, the contract, or the quarter.

    Six months count from the day the first pro bono grant to the person, or to anybody
    of the firm, began: a later one, one beside it or one after a gap moves nothing.
    Source: PCD 1305, 5.18; Police Act 1996 s.93.

    Args:
        grant: the one that is asked about.
        supplier: whose person it is for.
        grants: every grant of the register.
        firm: the ids of the firm's people, under whatever record of it.
        today: the day of the question.
    """
    if grant.kind == "force":
        return ()
    why = "A supplier sees what they need, no longer than they need it."
    if supplier is None:
        said = f"The grant {grant.id} is for a supplier who is not on the register."
        return (_term(said, why, "Complete the register `suppliers`."),)
    found = []
    if supplier.basis != grant.kind:
        said = (
            f"The grant {grant.id} is of kind `{grant.kind}`, and {supplier.id} works "
            f"under `{supplier.basis}`."
        )
        found.append(_term(said, why, "Write the kind that fits the agreement."))
    if grant.last_day > supplier.ends:
        said = (
            f"The grant {grant.id} reaches {grant.last_day}, and the agreement with "
            f"{supplier.id} ends on {supplier.ends}."
        )
        found.append(_term(said, why, f"Write `until` no later than {supplier.ends}."))
    if grant.kind == "s93":
        first = min(
            (
                one.starts
                for one in grants
                if one.kind == "s93"
                and one.status in ("approved", "revoked")
                and (one.person in firm or one.person == grant.person)
            ),
            default=grant.starts,
        )
        latest = last_of_s93(min(first, grant.starts))
        if grant.last_day > latest:
            said = (
                f"The grant {grant.id} reaches {grant.last_day}, and the first pro bono "
                f"grant to {supplier.name} began on {first}: six months end on {latest}."
            )
            found.append(
                _term(
                    said,
                    "A second grant, beside the first or after it, does not make six "
                    "months longer.",
                    f"Write `until` no later than {latest}; work beyond it needs a "
                    "contract.",
                )
            )
    elif recertified_until(grant, today) < today:
        said = (
            f"The grant {grant.id} was last looked at on "
            f"{_last_look(grant, today) or 'no day'}, more than {QUARTER.days} days ago."
        )
        found.append(
            _term(
                said,
                "Each quarter somebody of the force says that it is still needed.",
                "Look at it, and add `by` and `on` under `recertified`.",
            )
        )
    return tuple(found)


def last_of_s93(first: date) -> date:
    """Return the last day of six months that begin on a day."""
    months = first.month - 1 + S93_MONTHS
    year, month = first.year + months // 12, months % 12 + 1
    day = min(first.day, calendar.monthrange(year, month)[1])
    return date(year, month, day) - timedelta(days=1)


def recertified_until(grant: Grant, today: date) -> date:
    """Return the last day that a contract grant stands without another look."""
    looked = _last_look(grant, today)
    return looked + QUARTER if looked else date.min


def _last_look(grant: Grant, today: date) -> date | None:
    looks = [one.on for one in grant.recertified if one.by != grant.person]
    approved = [grant.approved_on] if grant.approved_on else []
    return max((one for one in (*looks, *approved) if one <= today), default=None)


def _term(missing: str, why: str, next_step: str) -> Refusal:
    return Refusal("supplier-term", missing, why, next_step, 19)


@enforces(20, door=_DOORS)
def supplier_personal(asked: Asked, dpias: Mapping[str, Dpia]) -> tuple[Refusal, ...]:
    """Refuse a personal column to a supplier without processing contract and DPIA.

    The DPIA of each data set that the column is made of names the supplier among its
    recipients, and the supplier's record names that DPIA. Source: UK GDPR Art. 28(3);
    DPA 2018 s.59; PCD 1305, 6.3-6.4.

    Args:
        asked: the grant on one mart.
        dpias: data set → its DPIA; one that cannot be relied on is not there.
    """
    holder, today = asked.holder, asked.today
    beyond = _beyond_class(asked)
    if not asked.personal:
        return beyond
    if holder is None or holder.supplier is None:
        if asked.grant.kind == "force":
            return ()
        return (_personal(asked, "whose supplier is not on the register"),)
    supplier = holder.supplier
    found = [*beyond]
    until = processing_until(supplier)
    if until is None:
        found.append(_personal(asked, f"and {supplier.id} has no processing contract"))
    elif until < today:
        found.append(
            _personal(
                asked, f"and the processing contract of {supplier.id} ended on {until}"
            )
        )
    beneath = {name for one in asked.personal for name in one.data_sets}
    unnamed = not all(one.data_sets for one in asked.personal)
    for name in sorted(beneath | (asked.mart.data_sets if unnamed else frozenset())):
        dpia = dpias.get(name)
        named = dpia is not None and (
            dpia.scope is not None
            and dpia.id in supplier.dpia_refs
            and f"supplier:{supplier.id}" in dpia.scope.recipients
        )
        if not named:
            found.append(_personal(asked, f"and no DPIA of {name} names {supplier.id}"))
    return tuple(found)


def _beyond_class(asked: Asked) -> tuple[Refusal, ...]:
    supplier = asked.holder.supplier if asked.holder else None
    if supplier is None:
        return ()
    if asked.personal:
        needed = "personal"
    elif all(one.is_open_data for one in asked.mart.sources):
        needed = "open"
    else:
        needed = "aggregate"
    if DATA_CLASSES.index(supplier.data_class) >= DATA_CLASSES.index(needed):
        return ()
    return (
        Refusal(
            "supplier-personal",
            f"The grant {asked.grant.id} gives {asked.mart.name}, which is `{needed}`, "
            f"and {supplier.id} may see `{supplier.data_class}` data.",
            "A supplier sees no more than was agreed when they were brought on.",
            "Leave the mart out, or have the supplier's `data_class` agreed anew.",
            20,
        ),
    )


def processing_until(supplier: Supplier) -> date | None:
    """Return the last day of a supplier's processing contract; None where none is."""
    if not (supplier.processing_contract_ref or "").strip():
        return None
    return min(supplier.processing_contract_ends or supplier.ends, supplier.ends)


def _personal(asked: Asked, what: str) -> Refusal:
    names = ", ".join(one.name for one in asked.personal)
    return Refusal(
        "supplier-personal",
        f"The grant {asked.grant.id} gives {asked.mart.name}: {names}, which say "
        f"something about people, {what}.",
        "A supplier sees personal data only under a DPIA that names them and a contract "
        "as processor.",
        "Leave the columns out; or have the DPIA name `supplier:…` under `recipients`, "
        "and complete the supplier's `dpia_refs`, `data_class` and "
        "`processing_contract_ref`.",
        20,
    )


@enforces(21, door=_DOORS)
def supplier_brought_on(
    holder: Holder | None, suppliers: Mapping[str, Supplier], today: date
) -> tuple[Refusal, ...]:
    """Refuse a supplier's person before everything of PCD 1305, 5.18 is on record.

    What concerns the firm is asked by `supplier_complete`; one of its people who lacks
    a form does not shut the others out, so theirs is asked of them.
    Source: PCD 1305, 5.18 and 5.20; Police Act 1996 s.93.
    """
    if holder is None or holder.supplier is None:
        return ()
    supplier = holder.supplier
    own = [one for one in supplier.people if one.id == holder.id]
    alone = {**suppliers, supplier.id: supplier.model_copy(update={"people": own})}
    found = [*supplier_complete(supplier.id, alone, today)]
    if supplier.closed is not None and supplier.closed.on <= today:
        found.append(
            Refusal(
                "supplier-complete",
                f"The work with {supplier.id} was closed on {supplier.closed.on}.",
                "A supplier who has finished has no need to see anything.",
                "Nothing; bring them on anew if there is other work.",
                21,
            )
        )
    return tuple(found)


def refusals(
    asked: Asked,
    *,
    grants: Sequence[Grant],
    firm: Collection[str],
    people: Mapping[str, Person],
    suppliers: Mapping[str, Supplier],
    purposes: Mapping[str, Purpose],
    dpias: Mapping[str, Dpia],
) -> tuple[Refusal, ...]:
    """Return every reason why a grant does not open a mart today; none opens it."""
    supplier = asked.holder.supplier if asked.holder else None
    return (
        *approved_by_another(asked.grant, people, asked.today),
        *grant_live(asked, purposes),
        *supplier_term(asked.grant, supplier, grants, firm, asked.today),
        *supplier_personal(asked, dpias),
        *supplier_brought_on(asked.holder, suppliers, asked.today),
    )
