"""A use case's folder: a declaration, its records, a place for code; questions open."""

from __future__ import annotations

from pathlib import Path

from edp_platform.datasets import defs_root
from edp_platform.governance.templates import (
    eqia_template,
    use_case_dpia_template,
    use_case_template,
)
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
            folder / "use_case.yaml": use_case_template(name),
            folder / "dpia.yaml": use_case_dpia_template(name, f"DPIA-{_upper(name)}"),
            folder / "eqia.yaml": eqia_template(name, f"EQIA-{_upper(name)}"),
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
  dpia: dpia.yaml         # what it adds to its data sets' DPIAs; else remove the line
  # The data sets it reads. The DPIA of each must name this use case and its purposes,
  # or the gate refuses the marts.
  uses:
  purposes:               # purposes of the register, such as [P-STATISTICS]
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
