"""What goes into a pack: the published series of some measures, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edp_platform.measures.freezing import CannotFreeze
from edp_platform.measures.reading import Shown

if TYPE_CHECKING:
    from edp_platform.measures.declared import Measure
    from edp_platform.measures.reading_published import Published

_KINDS = ("force", "borough", "ward", "lsoa")


def pack(
    published: Published,
    measures: Sequence[Measure],
    kinds: Sequence[str],
    periods: int,
) -> dict[str, Any]:
    """Return the content of a pack, of one snapshot.

    Args:
        published: what the person may see.
        measures: whose figures.
        kinds: of area.
        periods: how many of each series, the newest.

    Raises:
        CannotFreeze: a kind of area there is not, no figure, or the marts were
            published anew meanwhile.
        NoFigures, NothingPublished, QueryFailed, GateRefused: see `Published`.
    """
    unknown = sorted(set(kinds) - set(_KINDS))
    if unknown:
        raise CannotFreeze(
            f"There is no kind of area {', '.join(unknown)}; there are "
            f"{', '.join(_KINDS)}."
        )
    if not measures:
        raise CannotFreeze("No measure is named, so there is nothing to keep.")
    snapshot = published.snapshot
    kept = []
    for measure in measures:
        series = [
            _series(shown, periods) for shown in published.show_all(measure, kinds)
        ]
        if not series:
            raise CannotFreeze(
                f"{measure.id} has no published figure for {', '.join(kinds)}, so "
                f"nothing was kept. It is given for {', '.join(measure.areas)}."
            )
        kept.append(
            {
                "id": measure.id,
                "definition": measure.model_dump(mode="json"),
                "series": series,
            }
        )
    return {"snapshot": snapshot.id, "as_at": snapshot.as_at, "measures": kept}


def _series(shown: Shown, periods: int) -> dict[str, Any]:
    return {
        "area": shown.area.as_dict(),
        "series": shown.series,
        "signals_over_all_series": shown.is_from_mart,
        "periods": shown.periods[-periods:],
    }
