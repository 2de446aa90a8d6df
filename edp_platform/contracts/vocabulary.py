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
        "fromCoordinates",
        "decimalSeparator",
        "flagOutside",
        "codeList",
        "poleRef",
        "s38Role",
    }
)

VALUE_PROPERTIES: frozenset[str] = frozenset({"validFrom", "validTo", "grouping"})

CLASSIFICATIONS: frozenset[str] = frozenset(
    {"public", "official", "personal", "special-category", "criminal-offence"}
)
IDENTIFIER_CLASSES: frozenset[str] = frozenset({"direct", "quasi", "sensitive", "none"})
REGIMES: frozenset[str] = frozenset({"part2", "part3"})

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
