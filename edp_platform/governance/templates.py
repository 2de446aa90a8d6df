"""Records to fill in: every question a register asks, in the order of its model.

A template is made from the model that will read it, so that neither can ask what the
other does not know. What a register can know (the contract's columns) is filled in.
"""

from __future__ import annotations

import json
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edp_platform.governance.records.base import Record, part_of
from edp_platform.governance.records.eqia import Eqia
from edp_platform.governance.records.use_case import UseCaseRecord

#: The column that the questions stand in.
_QUESTIONS_AT = 26
_WIDTH = 88
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*\Z")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def record_template(
    model: type[Record], known: Mapping[str, str] | None = None, heading: str = ""
) -> str:
    """Return the YAML of a new record with its questions open.

    Args:
        model: which register.
        known: top-level field → its YAML, where the answer is known already.
        heading: what to say first, wrapped into comment lines.
    """
    lines = [f"# {line}" for line in textwrap.wrap(heading, _WIDTH - 2)]
    lines.append(
        "# Answer every blank: a blank is refused. `null` and `[]` are answers."
    )
    indent = 0
    if model.wrapper:
        lines.append(f"{model.wrapper}:")
        indent = 2
    lines += _fields(model, indent, known or {})
    return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """Return `text` as a YAML value, quoted where it must be."""
    is_plain = _PLAIN.match(text) and text.lower() not in _NOT_TEXT
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _fields(
    model: type[BaseModel], indent: int, known: Mapping[str, str]
) -> Iterator[str]:
    for own, field in model.model_fields.items():
        name = field.alias or own
        if name == "example":
            continue
        yield from _field(name, field, indent, known.get(name))


def _field(
    name: str, field: FieldInfo, indent: int, known: str | None
) -> Iterator[str]:
    pad = " " * indent
    if known is not None:
        yield _line(f"{pad}{name}: {known}", field.description)
        return
    part = part_of(field.annotation)
    asked = field.is_required() or bool((field.json_schema_extra or {}).get("asked"))  # type: ignore[union-attr]
    if not asked:
        yield _line(f"{pad}{name}: {_default(field)}", field.description)
    elif part is None:
        yield _line(f"{pad}{name}:", field.description)
    elif _is_list(field.annotation):
        yield _line(f"{pad}{name}:", field.description, always_beside=True)
        inner = list(_fields(part, indent + 4, {}))
        yield f"{pad}  - {inner[0].lstrip()}"
        yield from inner[1:]
    else:
        yield _line(f"{pad}{name}:", field.description, always_beside=True)
        yield from _fields(part, indent + 2, {})


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[]"
    return scalar(str(value))


def _is_list(annotation: object) -> bool:
    origin = typing.get_origin(annotation)
    return origin is list or any(
        typing.get_origin(one) is list for one in typing.get_args(annotation)
    )


def _line(written: str, question: str | None, *, always_beside: bool = False) -> str:
    if not question:
        return written
    beside = f"{written.ljust(_QUESTIONS_AT)} # {question}"
    if len(beside) <= _WIDTH or always_beside:
        return beside
    indent = len(written) - len(written.lstrip())
    pad = " " * indent
    told = textwrap.wrap(
        question, _WIDTH, initial_indent=f"{pad}# ", subsequent_indent=f"{pad}# "
    )
    return "\n".join([*told, written])


def dpia_template(
    *,
    example_id: str,
    contract: str,
    columns: Sequence[str],
    contract_major: int = 1,
    known_id: str = "",
    purposes: Sequence[str] = (),
    retention_rule: str = "",
    is_part3: bool = False,
) -> str:
    """Return a data set's DPIA with its questions open, in the ICO's seven steps.

    Args:
        example_id: an id such as this one would do.
        contract: the contract's id.
        columns: each column of the contract.
        contract_major: its major version.
        known_id: the contract's `dpiaRef`, where it is stated.
        purposes: the contract's purposes, where they are stated.
        retention_rule: the contract's `rrdRule`, where it is stated.
        is_part3: whether the contract is law enforcement data: asks for what Part 3
            asks (s.38, s.62, Schedule 8).
    """
    listed = textwrap.fill(
        ", ".join(columns) + ",",
        _WIDTH - 2,
        initial_indent=" " * 12,
        subsequent_indent=" " * 12,
    )
    return _DPIA.format(
        id=f"{known_id}".ljust(20) if known_id else " " * 20,
        example=example_id,
        contract=contract,
        major=contract_major,
        columns=listed,
        purposes=f"[{', '.join(purposes)}]" if purposes else "",
        retention=retention_rule,
        regime=_PART3_REGIME if is_part3 else _PART2_REGIME,
        part3=_PART3_STEPS if is_part3 else "",
    )


_PART2_REGIME = """\
    # One entry for each purpose. Where it applies also: art9, sch1, art10_sch1, apd_ref;
    # for part3 in place of art6: s35, sensitive, sch8, law.
    - regime:               # part2 or part3
      purpose_id:           # one purpose of the scope
      art6:                 # the letter of UK GDPR Art. 6(1), such as e"""
_PART3_REGIME = """\
    # One entry for each purpose, and never Part 2 and Part 3 in one. A general purpose
    # has an entry of its own: regime part2, with law, art6 and art10_sch1 (s.36(4)).
    - regime: part3
      purpose_id:           # one law enforcement purpose of the scope
      law:                  # the law it rests on
      s35:                  # necessary_for_task or consent
      sensitive:            # true where ethnicity, health, beliefs or the like are held
      sch8:                 # where sensitive: paragraphs of Schedule 8; else []
      apd_ref:              # where sensitive: the policy document; else null"""
_PART3_STEPS = """
  # Categories of person, and fact told from opinion (s.38).
  s38:
    categories:             # suspect, convicted, victim, witness, other
    column:                 # the column that says which
    fact_vs_opinion_column: # the column that tells assessment from fact, or null
  # What is logged (s.62).
  s62_logging:
    ops: [collection, alteration, consultation, disclosure, combination, erasure]
    sink: audit/s62.jsonl
"""
_DPIA = """\
# The data protection impact assessment of this data set, in the seven steps of the
# Information Commissioner. Answer every blank or remove the line: a blank is refused.
# Where step 1 finds that no DPIA is needed, remove steps 2 to 6 and keep the rest.
dpia:
  id: {id} # the contract's dpiaRef, such as {example}
  title:                    # what the data is, in words a member of the public knows
  kind: dataset
  parent: DPIA-PLATFORM
  version: 1.0.0
  status: draft             # then dpo_review, then approved; only approved opens the gate
  author:                   # who writes this; the author may not sign it

  # Step 1. Is a DPIA needed?
  screening:
    needed:                 # true or false
    triggers:               # special_category, criminal_offence, large_scale, children, …
    reason:                 # why, or why not
    by:                     # who decided
    on:                     # when, YYYY-MM-DD

  # What this record covers, and nothing else is loaded.
  scope:
    datasets:
      - contract: {contract}
        contract_major: {major}
        # Each column that may be loaded. Take out, here and in the contract, what is not
        # needed; a file that still brings it is then refused.
        columns:
          [
{columns}
          ]
        layers:             # how far it may go: [raw, staging, mart, publication]
    purposes: {purposes}               # such as [P-STATISTICS], each also in the contract
    recipients: []          # who reads it, as roles, such as [role:mart_analyst]
    use_cases:              # who may read it; [] for every use case

  # Step 2. Describe the processing.
  description:
    nature:                 # what is done with it, from file to reader
    scope:                  # how much, about whom, how often, for how long
    context:                # who the people are, and what they would expect
    source:                 # where it comes from

  # Step 3. Ask those concerned.
  consultation:
    done:                   # true or false
    with:                   # who was asked
    outcome:                # what they said, and what changed

  # Step 4. Necessity and proportion, and the law each purpose rests on.
  regimes:
{regime}
  necessity:
    test:                   # why the purpose cannot be reached without it
    less_intrusive_options: # what else was looked at, and why it will not do
    minimisation:           # what was left out
{part3}
  # Steps 5 and 6. Risks to people, and what is done about each.
  risks:
    - id: R1
      harm:                 # what could happen, to whom
      likelihood:           # remote, possible or probable
      severity:             # minimal, significant or severe
      inherent:             # low, medium or high, before measures
      measures:
        - effect:           # eliminated, reduced or accepted
          check:            # a check that shows it: dpia_gate, reconciliation, …
          description:      # what is done
      residual:             # low, medium or high, after measures
      accepted_by:          # who accepts what is left
  rights:
    information:            # how people are told
    requests:               # how a request for access, correction or erasure is met
  retention_rule: {retention}          # the contract's rrdRule

  # Step 7. Advice, signatures, review.
  dpo_advice:               # remove where step 1 finds that no DPIA is needed
    outcome:                # accepted, overruled or pending
    by:                     # the data protection officer, neither author nor signer
    on:
    summary:
  sign_off:
    - role:                 # information_asset_owner, …
      by:                   # not the author
      on:
  review:
    due:                    # YYYY-MM-DD, within twelve months
"""


def use_case_template(name: str) -> str:
    """Return a use case's record with its questions open."""
    return record_template(
        UseCaseRecord,
        {"id": name, "status": "active"},
        "How this use case came to be where it is. defs.yaml says which stage and sprint "
        "it is in; here stands how that was decided.",
    )


def eqia_template(name: str, known_id: str) -> str:
    """Return a use case's equality impact assessment with its questions open."""
    return record_template(
        Eqia,
        {"id": known_id, "use_case": name, "version": "1.0.0", "status": "draft"},
        "The equality impact assessment (Equality Act 2010 s.149): whom the use case may "
        "touch differently, and what is done about it. No effect is an answer when it "
        "says why.",
    )


def use_case_dpia_template(name: str, known_id: str) -> str:
    """Return the DPIA of a use case with its questions open."""
    return _USE_CASE_DPIA.format(id=known_id, name=name)


_USE_CASE_DPIA = """\
# What this use case does with data that stands under the DPIAs of its data sets. Each
# must name {name} in `scope.use_cases`; this record asks what joining them adds.
# Answer every blank or remove the line: a blank is refused.
dpia:
  id: {id}
  kind: use_case
  parent: DPIA-PLATFORM
  version: 1.0.0
  status: draft             # then dpo_review, then approved
  author:                   # who writes this; the author may not sign it

  # Step 1. Does joining or showing the data need an assessment of its own?
  screening:
    needed:                 # true or false
    reason:                 # why, or why not
    by:                     # who decided
    on:                     # when, YYYY-MM-DD
  relies_on:                # the DPIAs of its data sets, such as [DPIA-STREET-CRIME]

  # Step 2. Describe the processing. Where step 1 says no, remove steps 2 to 6.
  description:
    nature:                 # what is joined, counted or shown
    scope:                  # how much, about whom, down to which area
    context:                # who reads it, and what they will do with it

  # Step 3. Ask those concerned.
  consultation:
    done:                   # true or false
    with:                   # who was asked
    outcome:                # what they said, and what changed

  # Step 4. Necessity and proportion.
  necessity:
    test:                   # why the aim cannot be reached without it
    less_intrusive_options: # what else was looked at, and why it will not do

  # Steps 5 and 6. Risks to people, and what is done about each.
  risks:
    - id: R1
      harm:                 # what could happen, to whom
      likelihood:           # remote, possible or probable
      severity:             # minimal, significant or severe
      measures:
        - effect:           # eliminated, reduced or accepted
          check:            # a check that shows it
          description:      # what is done
      residual:             # low, medium or high, after measures

  # Step 7. Advice (where step 1 says yes), signatures, review.
  dpo_advice:               # remove where step 1 finds that no DPIA is needed
    outcome:                # accepted, overruled or pending
    by:                     # the data protection officer, neither author nor signer
    on:
    summary:
  sign_off:
    - role:                 # information_asset_owner, …
      by:                   # not the author
      on:
  review:
    due:                    # YYYY-MM-DD, within twelve months
"""
