"""The sample force's internal systems: persons, crime reports, calls, custody and more.

What belongs here: the made-up extracts of a force's own systems, where rows are about
persons and the law bites, with planted faults and the truth of them. What does not:
published files (the package above) and anything that loads.

Names come from lists in `word_lists` and are put together at random. Nothing points at
a real person or place: postcodes begin with Q, V or X, letters with which no postcode
area begins; telephone numbers begin with 06, a range that is not in use; e-mail
addresses end in `.example`, which nobody can register.
"""

from edp_platform.sample.force_systems.generate import (
    DATA_SETS,
    FOLDER,
    ForceSystems,
)

__all__ = ["DATA_SETS", "FOLDER", "ForceSystems"]
