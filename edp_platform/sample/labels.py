"""The label lists of police.uk, and how often each label is used.

The labels are the real ones, in both spellings where they drifted: rules that put
labels right must meet them here as they meet them in real files. The shares are only
plausible.
"""

from __future__ import annotations

from typing import NamedTuple

ANTI_SOCIAL_BEHAVIOUR = "Anti-social behaviour"


class CrimeType(NamedTuple):
    """A crime type: share of rows, month of its peak, height of the peak."""

    name: str
    share: float
    peak: int
    swing: float
    is_personal: bool


CRIME_TYPES = [
    CrimeType(ANTI_SOCIAL_BEHAVIOUR, 0.205, 7, 0.18, False),
    CrimeType("Bicycle theft", 0.016, 7, 0.35, False),
    CrimeType("Burglary", 0.052, 12, 0.12, False),
    CrimeType("Criminal damage and arson", 0.050, 6, 0.06, False),
    CrimeType("Drugs", 0.040, 5, 0.05, True),
    CrimeType("Other crime", 0.011, 3, 0.03, True),
    CrimeType("Other theft", 0.095, 12, 0.06, False),
    CrimeType("Possession of weapons", 0.008, 6, 0.05, True),
    CrimeType("Public order", 0.055, 6, 0.10, True),
    CrimeType("Robbery", 0.027, 11, 0.10, False),
    CrimeType("Shoplifting", 0.065, 11, 0.05, False),
    CrimeType("Theft from the person", 0.060, 12, 0.12, False),
    CrimeType("Vehicle crime", 0.100, 11, 0.06, False),
    CrimeType("Violence and sexual offences", 0.235, 7, 0.08, True),
]

NO_SUSPECT = 0
UNABLE_TO_PROSECUTE = 1
SUSPECT_CHARGED = 2
NOT_IN_PUBLIC_INTEREST = (6, 7)
FURTHER_ACTION = 11
FIRST_COURT_RESULT = 12

# (label, share among property crimes, share among crimes against a person)
_OUTCOMES = [
    ("Investigation complete; no suspect identified", 0.74, 0.27),
    ("Unable to prosecute suspect", 0.13, 0.42),
    ("Suspect charged", 0.060, 0.125),
    ("Local resolution", 0.020, 0.035),
    ("Offender given a caution", 0.010, 0.030),
    ("Offender given a drugs possession warning", 0.0, 0.020),
    ("Further investigation is not in the public interest", 0.008, 0.030),
    ("Formal action is not in the public interest", 0.010, 0.030),
    ("Action to be taken by another organisation", 0.010, 0.020),
    ("Offender given penalty notice", 0.008, 0.012),
    ("Suspect charged as part of another case", 0.004, 0.008),
    ("Further action is not in the public interest", 0.0, 0.0),
]
COURT_RESULTS = [
    ("Offender sent to prison", 0.30),
    ("Offender fined", 0.15),
    ("Offender given community sentence", 0.13),
    ("Offender given suspended prison sentence", 0.12),
    ("Defendant found not guilty", 0.10),
    ("Offender given conditional discharge", 0.08),
    ("Court case unable to proceed", 0.06),
    ("Offender otherwise dealt with", 0.025),
    ("Offender deprived of property", 0.015),
    ("Defendant sent to Crown Court", 0.01),
    ("Offender ordered to pay compensation", 0.01),
]
OUTCOME_LABELS = [label for label, *_ in _OUTCOMES] + [
    label for label, _ in COURT_RESULTS
]
OUTCOME_SHARES = [
    [share for _, share, _ in _OUTCOMES],
    [share for _, _, share in _OUTCOMES],
]
AWAITING_COURT = "Awaiting court outcome"
COURT_RESULT_UNAVAILABLE = "Court result unavailable"
UNDER_INVESTIGATION = "Under investigation"
STATUS_UNAVAILABLE = "Status update unavailable"

ETHNIC_GROUPS = ["White", "Black", "Asian", "Mixed", "Other"]

# By group: (old label, long label, share in the group).
ETHNICITIES = [
    [
        (
            "White - White British (W1)",
            "White - English/Welsh/Scottish/Northern Irish/British",
            0.62,
        ),
        ("White - White Irish (W2)", "White - Irish", 0.03),
        (
            "White - Any other White ethnic background (W9)",
            "White - Any other White background",
            0.35,
        ),
    ],
    [
        (
            "Black or Black British - Caribbean (B1)",
            "Black/African/Caribbean/Black British - Caribbean",
            0.24,
        ),
        (
            "Black or Black British - African (B2)",
            "Black/African/Caribbean/Black British - African",
            0.34,
        ),
        (
            "Black or Black British - Any other Black ethnic background (B9)",
            "Black/African/Caribbean/Black British - "
            "Any other Black/African/Caribbean background",
            0.42,
        ),
    ],
    [
        (
            "Asian or Asian British - Indian (A1)",
            "Asian/Asian British - Indian",
            0.14,
        ),
        (
            "Asian or Asian British - Pakistani (A2)",
            "Asian/Asian British - Pakistani",
            0.14,
        ),
        (
            "Asian or Asian British - Bangladeshi (A3)",
            "Asian/Asian British - Bangladeshi",
            0.26,
        ),
        (
            "Chinese or other ethnic group - Chinese (O1)",
            "Asian/Asian British - Chinese",
            0.02,
        ),
        (
            "Asian or Asian British - Any other Asian ethnic background (A9)",
            "Asian/Asian British - Any other Asian background",
            0.44,
        ),
    ],
    [
        (
            "Mixed - White and Black Caribbean (M1)",
            "Mixed/Multiple ethnic groups - White and Black Caribbean",
            0.30,
        ),
        (
            "Mixed - White and Black African (M2)",
            "Mixed/Multiple ethnic groups - White and Black African",
            0.12,
        ),
        (
            "Mixed - White and Asian (M3)",
            "Mixed/Multiple ethnic groups - White and Asian",
            0.10,
        ),
        (
            "Mixed - Any other Mixed ethnic background (M9)",
            "Mixed/Multiple ethnic groups - Any other Mixed/Multiple ethnic background",
            0.48,
        ),
    ],
    [
        (
            "Chinese or other ethnic group - Any other ethnic group (O9)",
            "Other ethnic group - Any other ethnic group",
            1.0,
        ),
    ],
]
ETHNICITY_NOT_STATED = ("Not Stated (NS)", "Other ethnic group - Not stated")

# What an officer sees, by the person's own group.
OFFICER_ETHNICITIES = [
    [("White", 0.96), ("Other", 0.03), ("Asian", 0.01)],
    [("Black", 0.98), ("Other", 0.02)],
    [("Asian", 0.95), ("Other", 0.05)],
    [("Black", 0.50), ("White", 0.25), ("Other", 0.20), ("Asian", 0.05)],
    [("Other", 0.80), ("Asian", 0.10), ("White", 0.10)],
]

_DRUGS_ACT = "Misuse of Drugs Act 1971 (section 23)"
_PACE = "Police and Criminal Evidence Act 1984 (section 1)"
# (legislation, object of search, share)
SEARCH_REASONS: list[tuple[str | None, str | None, float]] = [
    (_DRUGS_ACT, "Controlled drugs", 0.625),
    (_PACE, "Offensive weapons", 0.125),
    (_PACE, "Articles for use in criminal damage", 0.09),
    (_PACE, "Stolen goods", 0.095),
    (_PACE, "Evidence of offences under the Act", 0.03),
    ("Firearms Act 1968 (section 47)", "Firearms", 0.01),
    (
        "Criminal Justice Act 1988 (section 139B)",
        "Articles for use in criminal damage",
        0.008,
    ),
    (
        "Criminal Justice and Public Order Act 1994 (section 60)",
        "Anything to threaten or harm anyone",
        0.01,
    ),
    (_PACE, "Fireworks", 0.001),
    (_PACE, None, 0.004),
    (None, "Controlled drugs", 0.002),
]

# (label before the change, label after, share of the searches that found something)
SEARCH_FINDS = [
    ("Suspect arrested", "Arrest", 0.46),
    ("Local resolution", "Community resolution", 0.27),
    ("Offender given drugs possession warning", "Khat or Cannabis warning", 0.10),
    ("Offender given penalty notice", "Penalty Notice for Disorder", 0.10),
    ("Suspect summonsed to court", "Summons / charged by post", 0.045),
    ("Offender cautioned", "Caution (simple or conditional)", 0.025),
]
NOTHING_FOUND = (
    "Nothing found - no further action",
    "A no further action disposal",
)
AGE_RANGES = [
    ("10-17", 0.16),
    ("18-24", 0.32),
    ("25-34", 0.22),
    ("over 34", 0.19),
    ("under 10", 0.0005),
    (None, 0.1095),
]
GENDERS = [("Male", 0.915), ("Female", 0.082), ("Other", 0.001), (None, 0.002)]
SEARCH_TYPES = [
    ("Person search", 0.75),
    ("Person and Vehicle search", 0.237),
    ("Vehicle search", 0.013),
]
VEHICLE_ONLY = 2
