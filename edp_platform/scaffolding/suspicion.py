"""Does a column look like personal data? Asked before any value may be written down.

A guess in the safe direction: what looks suspicious is only named, for a person to
classify. What does not look suspicious may be personal all the same.
"""

from __future__ import annotations

import re

import polars as pl

#: What a column's name suggests, by the words in it. The first that fits is told.
_BY_NAME: tuple[tuple[str, str], ...] = (
    (
        r"dob|(date|place|country)_of_(birth|death)|birth(date|day)?|born",
        "date of birth",
    ),
    (
        r"ethnic.*|race|religion|faith|belief|nationality|disab.*|health|illness|mental|"
        r"medical|diagnosis|sexual(ity)?(_orientation)?|orientation|pregnan.*|"
        r"political|union_member(ship)?|gender(_identity|_reassignment)?|transgender",
        "special category data",
    ),
    (r"post_?code|postal_code", "a postcode"),
    (r"e_?mail", "an e-mail address"),
    (r"(tele)?phone|mobile|msisdn|contact_(no|number)|tel(_no)?", "a telephone number"),
    (r"nino|national_insurance|ni_(no|number)", "a National Insurance number"),
    (r"nhs", "an NHS number"),
    (
        r"passport|driving_licen[cs]e|pnc|cro(_id|_number)?|custody",
        "an official number",
    ),
    (
        r"vrm|vrn|number_plate|(vehicle_)?registration|imei|ip_address",
        "a device or vehicle",
    ),
    (r"bank|iban|sort_code|account_(no|number)|card_(no|number)", "a bank detail"),
    (
        r"(fore|sur|first|last|middle|family|given|full|maiden|nick|user)_?name|initials",
        "a person's name",
    ),
    (
        r"(person|victim|suspect|offender|officer|witness|complainant|applicant|owner|"
        r"contact|staff|employee|customer|client|driver|informant|reporter|author|"
        r"supervisor|manager|nominal)(_.*)?",
        "a person",
    ),
    (r"(.*_)?(collar|warrant|badge)(_.*)?|payroll", "a person at work"),
    (r"address|street|house|flat|property|uprn|premises", "an address"),
    (
        r"lat(itude)?|lon(g|gitude)?|easting|northing|grid_ref(erence)?|geom(etry)?|coord.*",
        "an exact place",
    ),
    (r"sex|gender|age(_range|_band|_group)?|marital.*", "a characteristic of a person"),
    (
        r"notes?|comments?|description|free_?text|narrative|summary|remarks?|details?|"
        r"circumstances|statement|allegation|mo|modus_operandi|message|text|body",
        "free text",
    ),
    (r"name", "a name"),
)
#: What values look like: (pattern, what it is, share of the values that must fit).
_BY_VALUE: tuple[tuple[str, str, float], ...] = (
    (r"^[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}$", "an e-mail address", 0.01),
    (r"(?i)^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$", "a postcode", 0.05),
    (r"^(\+44|0044|0)[ -]?\(?\d[\d ()-]{7,12}$", "a telephone number", 0.05),
    (
        r"(?i)^[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]$",
        "a National Insurance number",
        0.01,
    ),
    (r"^\d{3}[ -]?\d{3}[ -]?\d{4}$", "an NHS or telephone number", 0.5),
    (r"(?i)^[A-Z]{2}\d{2} ?[A-Z]{3}$", "a vehicle's registration", 0.05),
    (r"^\d{1,3}(\.\d{1,3}){3}$", "an internet address", 0.05),
    (
        r"(?i)\b(mr|mrs|ms|miss|dr|pc|ps|sgt|insp|supt)\.? [A-Z]",
        "a person's name",
        0.01,
    ),
    (
        r"^\d+[a-zA-Z]? [A-Z][a-z]+ (Road|Street|Avenue|Lane|Close|Drive|Way|Rd|St)\b",
        "an address",
        0.01,
    ),
    (r"^[A-Z][a-z'’-]+,? ([A-Z]\.? )?[A-Z][a-zA-Z'’-]+$", "a person's name", 0.2),
    (r"^[A-Z][A-Z'’-]+, ?[A-Z][A-Za-z'’-]+$", "a person's name", 0.05),
)
#: Common given names: a short column of them has no other mark.
_GIVEN_NAMES_TEXT = """
aaliyah abdul adam ahmed aisha alan alex alexander ali alice amelia amir amy andrew
anna anthony barbara ben benjamin callum charles charlotte chloe christopher daniel
david deborah ella elizabeth emily emma fatima fiona freya gareth george grace
hannah harry hassan helen ibrahim isla jack jacob jake james jane jennifer jessica
joanne john jonathan joseph joshua julie karen katie kevin kwame laura leah leila
linda liam lily lucy margaret maria mark martin mary matthew megan michael mohamed
mohammed muhammad nadia natalie nicola noah oliver olivia omar patricia paul peter
philip poppy priya rachel raj rebecca richard robert ruth ryan samantha samuel sarah
simon sophie stephen steven susan thomas victoria william yusuf zara
"""
_GIVEN_NAMES = frozenset(_GIVEN_NAMES_TEXT.split())
#: Longer values than this, on average, are written by people about people.
_FREE_TEXT_CHARACTERS = 50
_FREE_TEXT_WORDS = 7


def suspicion(name: str, values: pl.Series) -> str | None:
    """Say what personal data a column looks like, or None.

    Args:
        name: the platform name, lower_snake_case.
        values: its values as text, without blanks. None of them is returned.
    """
    for pattern, what in _BY_NAME:
        if re.search(rf"(^|_)({pattern})(_|$)", name):
            return f"its name suggests {what}"
    if values.is_empty():
        return None
    values = values.str.strip_chars()
    for pattern, what, share in _BY_VALUE:
        fitting = values.str.contains(pattern).sum()
        if fitting >= max(share * values.len(), 1):
            return f"its values look like {what}"
    words = values.str.to_lowercase().str.split(" ").explode()
    if words.is_in(_GIVEN_NAMES).sum() >= 0.2 * values.len():
        return "its values look like people's names"
    length, words_long = (
        values.to_frame("value")
        .select(
            length=pl.col("value").str.len_chars().mean(),
            words=pl.col("value").str.count_matches(" ", literal=True).max() + 1,
        )
        .row(0)
    )
    if length > _FREE_TEXT_CHARACTERS or words_long > _FREE_TEXT_WORDS:
        return "its values look like free text"
    return None
