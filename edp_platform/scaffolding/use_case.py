"""A use case's folder: a declaration, two records, a place for code; questions open."""

from __future__ import annotations

from pathlib import Path

from edp_platform.datasets import defs_root
from edp_platform.scaffolding.writing import refuse_name, write_together


def scaffold_use_case(name: str) -> list[Path]:
    """Write the folder of a new use case, with its questions open.

    Its marts belong under `dbt_project/models/marts/<name>`; none is written, because a
    mart without a question behind it is noise in everybody's graph.

    Args:
        name: the use case's name, lower_snake_case; also the group of its assets.

    Returns:
        the paths written.

    Raises:
        ScaffoldFailed: the name or the place to write will not do. Nothing was written.
    """
    refuse_name(name, "use case")
    folder = defs_root() / name
    return write_together(
        {
            folder / "defs.yaml": _DEFS,
            folder / "dpia.yaml": _DPIA.format(id=f"DPIA-{_upper(name)}", name=name),
            folder / "eqia.yaml": _EQIA.format(id=f"EQIA-{_upper(name)}"),
            folder / "assets.py": _ASSETS.format(name=name),
        }
    )


def _upper(name: str) -> str:
    return name.upper().replace("_", "-")


_DEFS = """\
# Answer every blank. Until then the use case is set aside, and `edp status` lists what
# is open, with its line.
type: edp_platform.components.UseCase
attributes:
  title:                  # what people call it
  aim:                    # one or more of [trust, crime, standards]
  product_owner:          # who answers for it: team:… or an e-mail address
  sprint: {number: , supplier: null}    # which sprint; the supplier, where there is one
  stage:                  # engage, evolve or embed
  dpia: dpia.yaml
  eqia: eqia.yaml
  # The data sets it reads. The DPIA of each must name this use case and its purposes,
  # or the gate refuses the marts.
  uses:
  purposes:               # purposes of the register, such as [P-STATISTICS]
"""

_DPIA = """\
# What this use case does with data that stands under the DPIAs of its data sets. Each
# must name {name} in `scope.use_cases`; this record asks what joining them adds.
# Answer every blank or remove the line: a blank is refused.
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

# Step 7. Advice, signatures, review.
sign_off:
  - role:                 # information_asset_owner, …
    by:                   # not the author
    on:
review:
  due:                    # YYYY-MM-DD, within twelve months
"""

_EQIA = """\
# The equality impact assessment (Equality Act 2010 s. 149): whom the use case may touch
# differently, and what is done about it. Answer every blank: a blank is refused.
id: {id}
version: 1.0.0
status: draft             # then approved
author:                   # who writes this; the author may not sign it
aims: # The three aims of the duty: what the use case does for each, or "none" with why.
  eliminate_discrimination:
  advance_equality:
  foster_good_relations:
# For each: who could be touched, how, and on what evidence; or "no effect" with why.
characteristics:
  age:
  disability:
  gender_reassignment:
  marriage_and_civil_partnership:
  pregnancy_and_maternity:
  race:
  religion_or_belief:
  sex:
  sexual_orientation:
engagement:
  with:                   # who was asked
  outcome:                # what they said, and what changed
actions:                  # what is done about each effect, by whom; [] if none is found
decision:                 # go on, change, or stop, and why
sign_off:
  - role:                 # product_owner, …
    by:                   # not the author
    on:                   # YYYY-MM-DD
review:
  due:                    # YYYY-MM-DD, within twelve months
"""

_ASSETS = '''\
"""Assets of the use case {name} that SQL cannot make: models, forecasts, letters.

Marts do not belong here: they are SQL under dbt_project/models/marts/{name}, and become
assets of this use case's group by themselves. Every asset defined in this file takes
the group, the owner and the tag of the use case. Never import another use case: meet in
marts.
"""

# An example; remove it, or the marks that make it a comment.
#
# import dagster as dg
#
#
# @dg.asset(
#     deps=[dg.AssetKey(["marts", "crime_by_month"])],
#     kinds={{"python"}},
#     description="What it is, and what one row or file of it stands for.",
# )
# def {name}_letter(context: dg.AssetExecutionContext) -> None:
#     """Read the marts through `edp_platform.publishing.query`, never the warehouse."""
'''
