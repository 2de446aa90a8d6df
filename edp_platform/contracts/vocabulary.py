"""The custom property names a contract may use. Anything else is refused.

ODCS leaves `customProperties` open; a misspelt `dpiaReff` would then silently leave a
data set without a DPIA, so the names are closed here.
"""

from __future__ import annotations

#: Property → whether a contract must state it. Governance has no defaults.
CONTRACT_PROPERTIES: dict[str, bool] = {
    "regime": True,
    "dpiaRef": True,
    "purposes": True,
    "rrdRule": True,
    "filePattern": True,
    "identity": True,
    "partitioning": True,
    "supplier": True,
    "monthFrom": False,
    "licence": False,
    "attribution": False,
    "seriesBreaks": False,
    "partialSupply": False,
    "handling": False,
    "publicRelease": False,
}

COLUMN_PROPERTIES: frozenset[str] = frozenset(
    {
        "identifierClass",
        "protectedCharacteristic",
        "unit",
        "fromFileName",
        "matchesFileName",
        "fromCoordinates",
        "decimalSeparator",
        "flagOutside",
        "codeList",
        "poleRef",
        "s38Role",
        "cleansing",
    }
)

#: Cleansing rule → what it does to a value. Closed: what a rule does is tested, and
#: its name in a contract must mean the same in every data set. Rules are applied in
#: this order, whatever order a contract lists them in, so that cleansing what is
#: already clean changes nothing. The expressions stand in `ingestion/cleansing.py`.
CLEANSING_RULES: dict[str, str] = {
    "straight-apostrophes": "curly apostrophes and accents used as one become '",
    "trim": "no blanks at either end; nothing but blanks is no value",
    "collapse-spaces": "several blanks in a row become one space",
    "null-words": "a word that says nothing is known (unknown, not known, n/k, n/a, "
    "not recorded, not given, or marks alone) is no value",
    "title-case-name": "a name all in capitals or all in small letters gets capitals "
    "at the start of each part; McDonald, in both, is left as it is",
    "uppercase": "capitals",
    "lowercase": "small letters",
    "uppercase-postcode": "a postcode gets capitals and one space before its last three "
    "characters; anything that is not of a postcode's shape is left as it is",
    "plain-phone": "a telephone number keeps its digits alone, +44 becomes 0; anything "
    "with letters is left as it is",
}
#: Rules that settle the shape of a value; two of them would contradict each other.
CLEANSING_SHAPES: frozenset[str] = frozenset(
    {"title-case-name", "uppercase", "lowercase", "uppercase-postcode", "plain-phone"}
)

VALUE_PROPERTIES: frozenset[str] = frozenset({"validFrom", "validTo", "grouping"})

CLASSIFICATIONS: frozenset[str] = frozenset(
    {"public", "official", "personal", "special-category", "criminal-offence"}
)
IDENTIFIER_CLASSES: frozenset[str] = frozenset({"direct", "quasi", "sensitive", "none"})
REGIMES: frozenset[str] = frozenset({"part2", "part3"})
#: What a column says of a person's link to an event, DPA 2018 s.38(2) and (3).
S38_ROLES: frozenset[str] = frozenset({"category", "factOrOpinion"})

#: Why each required property is needed, for the error that names it missing.
WHY: dict[str, str] = {
    "regime": "Part 2 and Part 3 of the DPA 2018 set different conditions",
    "dpiaRef": "no data set is loaded without a DPIA or a signed screening",
    "purposes": "data may be used only for purposes its DPIA covers",
    "rrdRule": "every data set has a rule for its review, retention and disposal",
    "filePattern": "landing recognises a file by its name and header",
    "identity": "exact repeats are set aside only where rows carry an identifier",
    "partitioning": "the lake keeps monthly sets by month and reference sets whole",
    "supplier": "a receipt says who supplied each file",
}

#: What to write where a value was left blank, by the last name of its place.
ANSWERS: dict[str, str] = {
    "regime": "part2 (general processing) or part3 (law enforcement)",
    "dpiaRef": "the `id` of the dpia.yaml beside the contract, such as DPIA-STOP-SEARCH",
    "purposes": "a list of purposes of the register, such as [P-STATISTICS]",
    "rrdRule": "a rule of the retention schedule, such as PUBLISHED-STATISTICS",
    "filePattern": 'the name files come under, such as "{month}-{force}-street.csv"',
    "identity": "none, or the list of columns that identify a row, such as [crime_id]",
    "partitioning": "month or none",
    "monthFrom": "fileName, columnNames, or the name of a date column",
    "supplier": "who supplies the files",
    "licence": "the licence as the supplier names it, or remove the line",
    "attribution": "the words the licence asks for, or remove the line",
    "classification": "public, official, personal, special-category or criminal-offence",
    "identifierClass": "direct, quasi, sensitive or none",
    "description": "what the column means and in which unit",
    "logicalType": "string, integer, number, boolean, date or timestamp",
    "username": 'the owner, such as "team:stop-search" or an e-mail address',
    "name": "a name people know it by",
    "domain": "the field it belongs to, such as policing, public-voice or geography",
    "purpose": "what the data set is for, in a sentence",
    "limitations": "what a reader must know before believing a figure; None known is one",
    "dataGranularityDescription": "what one row is, such as: One row per search",
}

#: Why a value that is no custom property is needed; the others are in `WHY`.
NEEDED: dict[str, str] = {
    "classification": "access and publication depend on it",
    "identifierClass": "grants depend on it",
    "description": "a reader must know what the column means",
    "logicalType": "the lake keeps every column with a type",
    "username": "someone must answer for this data set",
    "name": "people look for it by name",
    "domain": "the catalogue is ordered by it",
    "purpose": "a reader must know what it is for",
    "limitations": "a figure without its limits misleads",
    "dataGranularityDescription": "nobody can count rows without knowing what one is",
}
