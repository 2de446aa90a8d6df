"""When things happen in the sample: months, and the month of each planted change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

FORCE = "sample-force"
CITY = "sample-city"
FORCE_NAMES = {FORCE: "Sample Force Police", CITY: "Sample City Police"}

STEP_CRIME_TYPE = "Theft from the person"
STEP_FACTOR = 1.6
PATROL_CRIME_TYPE = "Violence and sexual offences"
PATROL_ENVIRONMENT = "public"
PATROL_FACTOR = 0.75
PARTIAL_SHARE = 0.2
MISSING_COORDINATES_SHARE = 0.95

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def month_number(month: str) -> int:
    """Return the months since year 0 of a ``YYYY-MM`` text.

    Raises:
        ValueError: The text is not a month.
    """
    if not _MONTH.fullmatch(month):
        raise ValueError(
            f"{month!r} is not a month. Months place every file of the sample; "
            "write it as YYYY-MM, such as 2024-05."
        )
    return int(month[:4]) * 12 + int(month[5:]) - 1


def month_text(number: int) -> str:
    """Return ``YYYY-MM`` of a number of months since year 0."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def month_of_year(number: int) -> int:
    """Return 1 to 12."""
    return number % 12 + 1


def month_start(number: int) -> date:
    """Return the first day of the month."""
    return date(number // 12, number % 12 + 1, 1)


def default_end_month(today: date) -> str:
    """Return the second-last full month before ``today``.

    Publishers are about six weeks behind, so the last full month is not out yet.
    """
    return month_text(today.year * 12 + today.month - 1 - 2)


@dataclass(frozen=True)
class Timeline:
    """The window of the sample and the months (numbers) of its planted changes."""

    first: int
    months: int

    def __post_init__(self) -> None:
        """Refuse an empty window.

        Raises:
            ValueError: Less than one month was asked for.
        """
        if self.months < 1:
            raise ValueError(
                f"A sample of {self.months} months holds no files. "
                "Ask for one month or more."
            )

    @classmethod
    def ending(cls, end_month: str, months: int) -> Timeline:
        """Return the timeline of ``months`` months up to and with ``end_month``."""
        return cls(first=month_number(end_month) - months + 1, months=months)

    @property
    def last(self) -> int:
        """The last month."""
        return self.first + self.months - 1

    @property
    def window(self) -> range:
        """All months."""
        return range(self.first, self.last + 1)

    def _at(self, share: float, offset: int = 0) -> int:
        """Place a change; short windows get all of them at the middle month."""
        if self.months < 12:
            return self.first + self.months // 2
        return self.first + min(int(self.months * share) + offset, self.months - 1)

    @property
    def lsoa_2021_from(self) -> int:
        """First month with 2021 LSOA codes in street and outcomes files."""
        return self._at(0.5)

    @property
    def crlf_from(self) -> int:
        """First month with CRLF line ends in police.uk files."""
        return self._at(0.65)

    @property
    def step_from(self) -> int:
        """First month of the planted step in one crime type."""
        return self._at(0.625)

    @property
    def patrols_from(self) -> int | None:
        """First month of the planted patrols; None in a window under 18 months.

        Always a year before the end, so that an evaluation registered beforehand names
        the right month however long the window is.
        """
        return None if self.months < 18 else self.last - 11

    @property
    def further_action_from(self) -> int:
        """First month with `Further action is not in the public interest`."""
        return self._at(0.75)

    @property
    def court_outcomes_until(self) -> int:
        """First month with no court results."""
        return self._at(0.4)

    def search_outcome_labels_from(self, force: str) -> int:
        """First month with the later outcome labels of stop and search."""
        return self._at(0.33, 0 if force == FORCE else 3)

    @property
    def ethnicity_labels_from(self) -> int:
        """First month with the long ethnicity labels."""
        return self._at(0.25)

    @property
    def operation_flag_from(self) -> int:
        """First month in which `Part of a policing operation` is filled."""
        return self._at(0.2)

    @property
    def unnamed_streets(self) -> range:
        """Months in which some streets lost their name (`On or near `)."""
        start = self._at(0.45)
        return range(start, min(start + max(1, self.months // 6), self.last + 1))

    @property
    def coordinates_missing(self) -> int:
        """Month in which most searches of the sample force have no coordinates."""
        offset = self.months // 2 + 1 if self.months >= 4 else self.months - 1
        return self.first + offset

    @property
    def partial_supply(self) -> int | None:
        """Month in which the city force supplied a fifth of its crimes."""
        if self.months < 3:
            return None
        return self.first + max(1, self.months // 3)

    @property
    def missing_supply(self) -> int | None:
        """Month in which the city force supplied nothing."""
        if self.months < 6:
            return None
        return self.first + self.months // 3 + 2

    @property
    def republished(self) -> list[int]:
        """Months whose street files were published twice."""
        if self.months == 1:
            return []
        if self.months < 8:
            return [self.first]
        return [self.last - 4, self.last - 1]

    @property
    def faulty(self) -> list[int]:
        """Months whose files of the sample force hold rows to be quarantined."""
        if self.months == 1:
            return [self.first]
        chosen = {self.first + self.months // 2}
        if self.months >= 8:
            chosen.add(self.first + self.months // 4)
        # A republished month stays whole, or its revision counts would be muddied.
        return sorted(chosen - set(self.republished))

    def as_truth(self) -> dict[str, object]:
        """Return the events as they are told in the truth file."""
        spell = self.unnamed_streets
        partial, missing = self.partial_supply, self.missing_supply
        return {
            "lsoa_2021_codes_from": month_text(self.lsoa_2021_from),
            "crlf_line_ends_from": month_text(self.crlf_from),
            "step_change": {
                "force": FORCE,
                "crime_type": STEP_CRIME_TYPE,
                "from": month_text(self.step_from),
                "factor": STEP_FACTOR,
            },
            "further_action_label_from": month_text(self.further_action_from),
            "no_court_results_from": month_text(self.court_outcomes_until),
            "search_outcome_labels_from": {
                force: month_text(self.search_outcome_labels_from(force))
                for force in FORCE_NAMES
            },
            "ethnicity_long_labels_from": month_text(self.ethnicity_labels_from),
            "policing_operation_filled_from": month_text(self.operation_flag_from),
            "unnamed_streets": {
                "from": month_text(spell.start),
                "to": month_text(spell.stop - 1),
            },
            "search_coordinates_missing": {
                "force": FORCE,
                "month": month_text(self.coordinates_missing),
                "share": MISSING_COORDINATES_SHARE,
            },
            "partial_supply": None
            if partial is None
            else {
                "force": CITY,
                "month": month_text(partial),
                "share": PARTIAL_SHARE,
                "data_sets": ["police_uk_street", "police_uk_outcomes"],
            },
            "missing_supply": None
            if missing is None
            else {
                "force": CITY,
                "month": month_text(missing),
                "data_sets": [
                    "police_uk_street",
                    "police_uk_outcomes",
                    "police_uk_stop_and_search",
                ],
            },
            "republished": [month_text(month) for month in self.republished],
        }
