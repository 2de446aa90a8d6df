"""When each person's records are due for review or disposal: one query over everybody.

Pure: frames in, a frame out, nothing read and no clock asked. Fails closed: whoever
lacks what a rule needs is an exception, which a person looks at and nothing deletes.
Computed in DuckDB, set by set, so that millions of nominals take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import duckdb
import polars as pl

from edp_platform.retention.schedule import (
    AGE_OF_RESPONSIBILITY,
    GROUP_RULES,
    OTHERS_RULE,
    UNDETECTED_RULE,
    UNDETECTED_SERIOUS_RULE,
    Schedule,
)

#: Name → (columns of the frame, their types). Further columns are ignored.
INPUTS: dict[str, dict[str, type[pl.DataType]]] = {
    "nominals": {"nominal_id": pl.String, "date_of_birth": pl.Date},
    "links": {
        "crime_number": pl.String,
        "nominal_id": pl.String,
        "subject_category": pl.String,
        "person_outcome": pl.String,
        "person_outcome_date": pl.Date,
        "sentence_end": pl.Date,
        "linked_on": pl.Date,
    },
    "crimes": {
        "crime_number": pl.String,
        "mopi_group": pl.Int64,
        "reported_on": pl.Date,
    },
    "contacts": {"nominal_id": pl.String, "kind": pl.String, "on": pl.Date},
    "persons": {"nominal_id": pl.String, "person_id": pl.String},
    "held_nominals": {"nominal_id": pl.String},
    "held_crimes": {"crime_number": pl.String},
    "retained": {"nominal_id": pl.String, "on": pl.Date},
}

#: Why a person is an exception, in words.
REASONS = {
    "missing_date_of_birth": "no date of birth",
    "missing_group": "a linked crime without an offence group, or no linked crime held",
    "child_under_10": "a record about a child under ten: takes a special decision",
    "legal_hold": "a legal hold",
    "unconfirmed_rule": "a rule that nobody has confirmed, or that is not in force",
    "no_start": "no event to count the clear period from",
    "linked_offender": "the offender whose record this one follows is an exception",
}


@dataclass
class ReviewInputs:
    """What the review looks at.

    Attributes:
        nominals: one row a nominal record; the last release of each.
        links: of nominals to crimes, with category and what came of it.
        crimes: with offence group (1, 2, 3 or null) and day of report.
        contacts: other events by which a person came to notice: arrests and searches
            (`police_action`), and the kinds of `schedule.RESETS`.
        persons: nominal → person, where linkage found several to be one; others are a
            person each.
        held_nominals, held_crimes: under a legal hold today.
        retained: last decision to retain, by nominal.
    """

    nominals: pl.DataFrame
    links: pl.DataFrame
    crimes: pl.DataFrame
    contacts: pl.DataFrame = field(default_factory=lambda: _empty("contacts"))
    persons: pl.DataFrame = field(default_factory=lambda: _empty("persons"))
    held_nominals: pl.DataFrame = field(default_factory=lambda: _empty("held_nominals"))
    held_crimes: pl.DataFrame = field(default_factory=lambda: _empty("held_crimes"))
    retained: pl.DataFrame = field(default_factory=lambda: _empty("retained"))


def _empty(name: str) -> pl.DataFrame:
    return pl.DataFrame(schema=INPUTS[name])


def review(inputs: ReviewInputs, schedule: Schedule, today: date) -> pl.DataFrame:
    """Work out, for every person, what is due and when.

    Args:
        inputs: see `ReviewInputs`.
        schedule: the rules.
        today: the day of the question.

    Returns:
        one row a person, by `person_id`: `nominal_ids` (list), `rule`, `mopi_group`
        (highest of all crimes they are linked to; null when none is known),
        `is_offender` (suspected or convicted of one), `clear_from` and `clear_because`
        (the last event that counts), `review_on`, `disposal_on`, `state_by_date`
        (retained, review_due or disposal_due), `exceptions` (list of `REASONS`) and
        `state`: `exception` where there is one, else `state_by_date`.

    Raises:
        KeyError: a frame lacks a column of `INPUTS`.
    """
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        for name, columns in INPUTS.items():
            frame: pl.DataFrame = getattr(inputs, name)
            missing = sorted(set(columns) - set(frame.columns))
            if missing:
                raise KeyError(f"{name} has no column {', '.join(missing)}")
            chosen = frame.select(
                pl.col(column).cast(kind) for column, kind in columns.items()
            )
            connection.register(name, chosen.to_arrow())
        connection.register("rule", _rules(schedule, today).to_arrow())
        connection.register("counting", _counting(schedule).to_arrow())
        parameters = {
            "today": today,
            "age": AGE_OF_RESPONSIBILITY,
            "others": OTHERS_RULE,
            "serious": UNDETECTED_SERIOUS_RULE,
            "undetected": UNDETECTED_RULE,
        }
        for statement in _STATEMENTS:
            used = {
                name: value
                for name, value in parameters.items()
                if f"${name}" in statement
            }
            connection.execute(statement, used or None)
        return connection.execute("from reviewed order by person_id").pl()


def _rules(schedule: Schedule, today: date) -> pl.DataFrame:
    rows = [
        {
            "rule": rule.id,
            "first_years": (
                rule.period.clear_years
                if rule.period.clear_years is not None
                else rule.period.review_every_years
            ),
            "clear_years": rule.period.clear_years,
            "again_years": rule.period.review_every_years,
            "keep_years": rule.period.keep_years,
            "at_age": rule.period.dispose_at_age,
            "follows": rule.period.follows_linked_group,
            "sentence": rule.period.or_sentence_if_longer,
            "dispose_after": rule.period.dispose_after,
            "in_force": schedule.is_in_force(rule.id, today),
        }
        for rule in schedule.rules.values()
    ]
    return pl.DataFrame(
        rows,
        schema={
            "rule": pl.String,
            "first_years": pl.Int64,
            "clear_years": pl.Int64,
            "again_years": pl.Int64,
            "keep_years": pl.Int64,
            "at_age": pl.Int64,
            "follows": pl.Boolean,
            "sentence": pl.Boolean,
            "dispose_after": pl.String,
            "in_force": pl.Boolean,
        },
    )


def _counting(schedule: Schedule) -> pl.DataFrame:
    wanted = {*GROUP_RULES.values(), OTHERS_RULE}
    return pl.DataFrame(
        [
            {"rule": rule, "kind": kind}
            for rule in sorted(wanted)
            for kind in schedule.counting_kinds(rule)
        ],
        schema={"rule": pl.String, "kind": pl.String},
    )


_STATEMENTS = (
    # Who is a person: a nominal record, or several that linkage found to be one.
    """
    create temp table named as
    select distinct n.nominal_id, coalesce(p.person_id, n.nominal_id) as person_id
    from nominals n
    left join (
        select nominal_id, min(person_id) as person_id from persons group by 1
    ) p using (nominal_id)
    where n.nominal_id is not null
    """,
    # Numbers from here on: every join on the text of an identifier costs three times.
    """
    create temp table person as
    select row_number() over () as person, person_id
    from (select distinct person_id from named)
    """,
    """
    create temp table member as
    select n.nominal_id, p.person from named n join person p using (person_id)
    """,
    # The youngest of several dates of birth: a record is never disposed of too early.
    """
    create temp table birth as
    select
        m.person,
        list_sort(list(distinct m.nominal_id)) as nominal_ids,
        max(case when n.date_of_birth <= $today then n.date_of_birth end) as born
    from member m
    join nominals n using (nominal_id)
    group by 1
    """,
    """
    create temp table report as
    select
        crime_number, row_number() over () as crime,
        min(mopi_group) as mopi_group, max(reported_on) as reported_on,
        -- Two reports under one number that differ: the group is known only if both are.
        bool_and(mopi_group between 1 and 3) as has_group
    from crimes
    where crime_number is not null
    group by 1
    """,
    """
    create temp table linked as
    select
        m.person, c.crime, c.reported_on, l.linked_on,
        case when c.has_group then c.mopi_group end as mopi_group,
        l.subject_category in ('suspect', 'convicted') as is_offender,
        l.subject_category = 'convicted' as is_convicted,
        l.person_outcome, l.person_outcome_date, l.sentence_end
    from links l
    join member m using (nominal_id)
    left join report c using (crime_number)
    """,
    """
    create temp table grouped as
    select
        b.person,
        min(l.mopi_group) as mopi_group,
        coalesce(bool_or(l.is_offender), false) as is_offender,
        count(l.person) > 0 as is_linked,
        count(l.person) = 0
            or count(*) filter (where l.mopi_group is null) > 0 as lacks_group,
        b.born is not null and (
            $today < b.born + to_years($age)
            or coalesce(bool_or(
                least(l.reported_on, l.linked_on) < b.born + to_years($age)
            ), false)
        ) as is_child,
        max(l.sentence_end) filter (where l.is_offender) as sentence_end
    from birth b
    left join linked l using (person)
    group by b.person, b.born
    """,
    """
    create temp table ruled as
    select
        g.*,
        case when not is_linked then null
             when not is_offender then $others
             when mopi_group is not null then 'G' || mopi_group end as rule
    from grouped g
    """,
    # Every event by which somebody came to notice, with the kind the schedule knows.
    """
    create temp table event as
    select person, reported_on as on_day,
        case when is_convicted then 'new_offence' else 'suspected_offence' end as kind
    from linked where is_offender
    union all
    select person, linked_on, 'police_action' from linked where is_offender
    union all
    select person, person_outcome_date,
        case when person_outcome = 'cautioned' then 'caution' else 'decision' end
    from linked where is_offender
    union all
    select m.person, c."on", c.kind
    from contacts c join member m using (nominal_id)
    """,
    """
    create temp table clear as
    select e.person, max(e.on_day) as clear_from, arg_max(e.kind, e.on_day) as because
    from event e
    join ruled r using (person)
    join counting k on k.rule = r.rule and k.kind = e.kind
    where e.on_day is not null and r.is_offender
    group by 1
    """,
    """
    create temp table kept as
    select m.person, max(d."on") as retained_on
    from retained d join member m using (nominal_id)
    group by 1
    """,
    # Persons who were suspected or convicted, by their own rule.
    """
    create temp table offender as
    select
        r.person, c.clear_from, c.because,
        case when u.dispose_after = 'time' and u.at_age is null then
            case when k.retained_on is not null
                 then cast(k.retained_on + to_years(u.again_years) as date) end
        else cast(greatest(
            c.clear_from + to_years(u.first_years),
            k.retained_on + to_years(u.again_years),
            r.sentence_end
        ) as date) end as review_on,
        case when u.dispose_after = 'time' then cast(greatest(
            case when u.at_age is not null then b.born + to_years(u.at_age)
                 else c.clear_from + to_years(u.clear_years) end,
            k.retained_on + to_years(u.again_years),
            r.sentence_end
        ) as date) end as disposal_on,
        u.in_force
    from ruled r
    join birth b using (person)
    left join clear c using (person)
    left join kept k using (person)
    left join rule u on u.rule = r.rule
    where r.is_offender
    """,
    # What each report keeps the others linked to it for: with the offender's record,
    # or, where nobody was identified, by the report's own rule.
    """
    create temp table offenders_of as
    select
        l.crime,
        max(greatest(o.disposal_on, o.review_on)) as until,
        max(l.sentence_end) as sentence_end,
        bool_or(
            o.person is null or not coalesce(o.in_force, false)
            or coalesce(o.disposal_on, o.review_on) is null
            or r.lacks_group or r.is_child or b.born is null
        ) as is_exception
    from linked l
    join ruled r using (person)
    join birth b using (person)
    left join offender o using (person)
    where l.is_offender and l.crime is not null
    group by 1
    """,
    """
    create temp table other as
    select
        l.person,
        max(l.reported_on) as clear_from,
        max(cast(greatest(
            l.reported_on + to_years(v.keep_years),
            case when v.sentence then o.sentence_end end,
            case when v.follows and o.crime is not null then o.until end,
            case when o.crime is null
                 then l.reported_on + to_years(u.keep_years) end
        ) as date)) as until,
        bool_or(o.crime is not null and v.follows and o.is_exception)
            as offender_is_exception,
        bool_and(
            coalesce(v.in_force, false)
            and (o.crime is not null or coalesce(u.in_force, false))
        ) as in_force,
        bool_or(l.reported_on is null) as lacks_report
    from linked l
    left join offenders_of o using (crime)
    left join rule v on v.rule = $others
    left join rule u on u.rule
        = case when l.mopi_group in (1, 2) then $serious else $undetected end
    where not coalesce(l.is_offender, false)
    group by 1
    """,
    """
    create temp table dated as
    select
        r.person, b.nominal_ids, r.rule, r.mopi_group, r.is_offender, b.born,
        r.lacks_group, r.is_child,
        case when r.is_offender then o.clear_from else t.clear_from end as clear_from,
        case when r.is_offender then o.because
             when t.clear_from is not null then 'report' end as clear_because,
        case when r.is_offender then o.review_on end as review_on,
        case
            -- Also a victim or witness: not before that record may go either.
            when r.is_offender and o.disposal_on is not null
                then greatest(o.disposal_on, t.until)
            when not r.is_offender then cast(greatest(
                t.until, k.retained_on + to_years(v.keep_years)
            ) as date)
        end as disposal_on,
        -- Both, for an offender who was also a victim: what either record lacks counts.
        case when r.is_offender
             then coalesce(o.in_force, false) and coalesce(t.in_force, true)
             else coalesce(t.in_force, false) end as in_force,
        not r.is_offender and coalesce(t.offender_is_exception, false)
            as offender_is_exception,
        coalesce(t.lacks_report, false) as lacks_report
    from ruled r
    join birth b using (person)
    left join offender o using (person)
    left join other t using (person)
    left join kept k using (person)
    left join rule v on v.rule = $others
    """,
    """
    create temp table held as
    select distinct m.person from held_nominals h join member m using (nominal_id)
    union
    select distinct m.person
    from held_crimes h join links l using (crime_number) join member m using (nominal_id)
    """,
    """
    create temp table judged as
    select
        d.*,
        case
            when d.disposal_on <= $today then 'disposal_due'
            when d.review_on <= $today then 'review_due'
            else 'retained'
        end as state_by_date,
        list_filter([
            case when d.born is null then 'missing_date_of_birth' end,
            case when d.lacks_group then 'missing_group' end,
            case when d.is_child then 'child_under_10' end,
            case when h.person is not null then 'legal_hold' end,
            case when d.rule is not null and not d.in_force then 'unconfirmed_rule' end,
            case when d.clear_from is null or d.lacks_report
                 or coalesce(d.disposal_on, d.review_on) is null then 'no_start' end,
            case when d.offender_is_exception then 'linked_offender' end
        ], lambda reason: reason is not null) as exceptions
    from dated d
    left join held h using (person)
    """,
    """
    create temp table reviewed as
    select
        p.person_id, nominal_ids, rule, mopi_group, is_offender, clear_from,
        clear_because, review_on, disposal_on, state_by_date, exceptions,
        case when len(exceptions) > 0 then 'exception' else state_by_date end as state
    from judged
    join person p using (person)
    """,
)
