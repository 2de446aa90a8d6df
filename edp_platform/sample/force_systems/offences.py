"""The offences that the sample's reports are about, and how each of them behaves.

Codes follow the shape of the Home Office's list. The retention group is the sample
force's reading of the offence (1 public protection, 2 other sexual and violent, 3 all
others); a real force has its own table.
"""

from __future__ import annotations

from typing import NamedTuple


class Offence(NamedTuple):
    """One offence.

    Attributes:
        code: As in the records management system.
        name: In words.
        crime_type: The group of offences on the public crime map.
        mopi_group: Retention group.
        share: Of all reports.
        public, private, online: Where it happens; what is left is not recorded.
        domestic: Share with the domestic abuse flag.
        survey_group: Group in the victims' survey, where it takes part.
    """

    code: str
    name: str
    crime_type: str
    mopi_group: int
    share: float
    public: float
    private: float
    online: float
    domestic: float = 0.0
    survey_group: str | None = None


_VIOLENCE = "Violence and sexual offences"
_ORDER = "Public order"

OFFENCES = [
    Offence("1", "Murder", _VIOLENCE, 1, 0.0004, 0.5, 0.45, 0.0, 0.25),
    Offence(
        "5D",
        "Assault with intent to cause serious harm",
        _VIOLENCE,
        1,
        0.012,
        0.55,
        0.3,
        0.0,
        0.2,
        "violence",
    ),
    Offence(
        "19C",
        "Rape of a female aged 16 and over",
        _VIOLENCE,
        1,
        0.010,
        0.12,
        0.7,
        0.0,
        0.35,
    ),
    Offence(
        "17A",
        "Sexual assault on a male aged 13 and over",
        _VIOLENCE,
        2,
        0.004,
        0.45,
        0.4,
        0.0,
        0.05,
    ),
    Offence(
        "20A",
        "Sexual assault on a female aged 13 and over",
        _VIOLENCE,
        2,
        0.015,
        0.45,
        0.4,
        0.0,
        0.1,
    ),
    Offence("88A", "Sexual grooming", _VIOLENCE, 1, 0.003, 0.02, 0.08, 0.75),
    Offence(
        "8N",
        "Assault with injury",
        _VIOLENCE,
        2,
        0.075,
        0.42,
        0.38,
        0.0,
        0.33,
        "violence",
    ),
    Offence("105A", "Assault without injury", _VIOLENCE, 2, 0.090, 0.4, 0.4, 0.0, 0.33),
    Offence("8L", "Harassment", _VIOLENCE, 2, 0.050, 0.15, 0.3, 0.33, 0.35),
    Offence("8Q", "Stalking", _VIOLENCE, 2, 0.012, 0.2, 0.3, 0.28, 0.5),
    Offence(
        "8R", "Malicious communications", _VIOLENCE, 3, 0.045, 0.02, 0.08, 0.72, 0.25
    ),
    Offence(
        "34B",
        "Robbery of personal property",
        "Robbery",
        2,
        0.040,
        0.85,
        0.03,
        0.0,
        0.0,
        "robbery",
    ),
    Offence("34A", "Robbery of business property", "Robbery", 2, 0.003, 0.3, 0.5, 0.0),
    Offence(
        "28E",
        "Residential burglary",
        "Burglary",
        3,
        0.055,
        0.0,
        0.85,
        0.0,
        0.02,
        "burglary",
    ),
    Offence(
        "30C",
        "Burglary of a business or community place",
        "Burglary",
        3,
        0.020,
        0.02,
        0.8,
        0.0,
    ),
    Offence(
        "45",
        "Theft from a motor vehicle",
        "Vehicle crime",
        3,
        0.075,
        0.72,
        0.08,
        0.0,
        0.0,
        "vehicle crime",
    ),
    Offence(
        "48",
        "Theft or taking of a motor vehicle",
        "Vehicle crime",
        3,
        0.050,
        0.7,
        0.1,
        0.0,
        0.02,
        "vehicle crime",
    ),
    Offence(
        "39",
        "Theft from the person",
        "Theft from the person",
        3,
        0.085,
        0.78,
        0.05,
        0.0,
    ),
    Offence("44", "Theft of a bicycle", "Bicycle theft", 3, 0.022, 0.7, 0.12, 0.0),
    Offence("46", "Shoplifting", "Shoplifting", 3, 0.075, 0.2, 0.55, 0.0),
    Offence("49", "Other theft", "Other theft", 3, 0.095, 0.4, 0.32, 0.02, 0.03),
    Offence(
        "58",
        "Criminal damage",
        "Criminal damage and arson",
        3,
        0.058,
        0.5,
        0.28,
        0.0,
        0.15,
    ),
    Offence(
        "56",
        "Arson endangering life",
        "Criminal damage and arson",
        1,
        0.001,
        0.4,
        0.4,
        0.0,
        0.1,
    ),
    Offence("92E", "Possession of cannabis", "Drugs", 3, 0.030, 0.78, 0.06, 0.0),
    Offence("92A", "Supply of controlled drugs", "Drugs", 3, 0.010, 0.55, 0.2, 0.05),
    Offence(
        "10D",
        "Possession of an article with a blade",
        "Possession of weapons",
        3,
        0.008,
        0.85,
        0.05,
        0.0,
    ),
    Offence(
        "9A", "Public fear, alarm or distress", _ORDER, 3, 0.040, 0.68, 0.1, 0.05, 0.05
    ),
    Offence(
        "9B",
        "Racially aggravated public fear, alarm or distress",
        _ORDER,
        3,
        0.012,
        0.7,
        0.05,
        0.08,
    ),
    Offence("53", "Blackmail", "Other crime", 3, 0.004, 0.05, 0.1, 0.7),
    Offence("86", "Obscene publications", "Other crime", 1, 0.006, 0.02, 0.1, 0.75),
]
