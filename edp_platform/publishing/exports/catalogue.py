"""The catalogue: every data set and every published mart, as DCAT in JSON-LD.

Names, closed lists and what is required are those of the UK Cross-Government Metadata
Exchange Model, a profile of DCAT 3. It has no OFFICIAL-SENSITIVE: that is OFFICIAL with
a handling caveat, which is carried as a property of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any

from edp_platform.contracts import Contract
from edp_platform.datasets import DataSet
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.publishing.exports.sources import Held, Mart, Sources
from edp_platform.yaml_source import load_yaml

_OPEN_LICENCE = re.compile(r"\bOpen Government Licence\b", re.IGNORECASE)
_LICENCE_VERSION = re.compile(r"\bv(?:ersion )?(\d)(?:\.0)?\b", re.IGNORECASE)
_LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/"
_MODEL = "https://w3id.org/co-cddo/uk-cross-government-metadata-exchange-model/"
#: What the model has for data that goes to nobody without an agreement.
_BY_AGREEMENT = "DATA_SHARE_AGREEMENT"
_PERSONAL = frozenset({"personal", "special-category", "criminal-offence"})
_SUMMARY = 250

#: Terms of the model as IRIs. `identifier` and the rest are the model's own names.
CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "freq": "http://purl.org/cld/freq/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "ukgov": _MODEL,
    "edp": "https://data.force.example/terms/",
    "organisation": "https://www.gov.uk/api/organisations/",
    "type": "@type",
    "dataset": "dcat:dataset",
    "identifier": "dct:identifier",
    "title": "dct:title",
    "description": "dct:description",
    "summary": "rdfs:comment",
    "publisher": {
        "@id": "dct:publisher",
        "@type": "@id",
        "@context": {"@base": "https://www.gov.uk/api/organisations/"},
    },
    "creator": {
        "@id": "dct:creator",
        "@type": "@id",
        "@context": {"@base": "https://www.gov.uk/api/organisations/"},
    },
    "contactPoint": "dcat:contactPoint",
    "contactName": "vcard:fn",
    "email": "vcard:hasEmail",
    "accessRights": "dct:accessRights",
    "securityClassification": "ukgov:securityClassification",
    "handlingCaveat": "edp:handlingCaveat",
    # DATA_SHARE_AGREEMENT is a name of the model's, not a file beside this one.
    "licence": {
        "@id": "dct:license",
        "@type": "@id",
        "@context": {"@base": _MODEL},
    },
    "licenceAsStated": "dct:rights",
    "version": "dcat:version",
    "modified": {"@id": "dct:modified", "@type": "xsd:date"},
    "issued": {"@id": "dct:issued", "@type": "xsd:date"},
    "updateFrequency": {"@id": "dct:accrualPeriodicity", "@type": "@id"},
    "keyword": "dcat:keyword",
    "relatedResource": {"@id": "dct:relation", "@type": "@id"},
    "temporal": "dct:temporal",
    "startDate": {"@id": "dcat:startDate", "@type": "xsd:gYearMonth"},
    "endDate": {"@id": "dcat:endDate", "@type": "xsd:gYearMonth"},
    "leftOut": "edp:leftOut",
    "name": "rdfs:label",
    "error": "edp:error",
}


def catalogue(sources: Sources, on: date) -> dict[str, Any]:
    """Return the catalogue.

    Args:
        sources: contracts, DPIAs, registers, what is held and what is published.
        on: the day it is made for.

    Returns:
        a `dcat:Catalog` ready for JSON: the data sets by name, then the marts of the
        published copy by name; `leftOut` names the folders that could not be read.
    """
    organisation = sources.organisation
    sets = [_data_set(one, sources) for _, one in sorted(sources.data_sets.items())]
    marts = [
        _mart(one, sources) for one in sorted(sources.marts, key=lambda one: one.name)
    ]
    base = organisation.identifier_base
    terms = {**CONTEXT, "edp": f"{base}/terms/"}
    return {
        "@context": terms,
        "@id": f"{base}/catalogue",
        "type": "dcat:Catalog",
        "title": f"Data of the Enterprise Data Platform, {organisation.name}",
        "description": (
            "Every data set under contract and every mart of the published copy, from "
            "their contracts, DPIAs and models."
        ),
        "publisher": organisation.slug,
        "modified": on.isoformat(),
        "dataset": [*sets, *marts],
        "leftOut": sources.left_out(("teams",)),
    }


def identifier(base: str, kind: str, name: str) -> str:
    """Return the identifier of a data set (`data-set`) or a mart (`mart`)."""
    return f"{base}/{kind}/{name.replace('_', '-')}"


def _data_set(data_set: DataSet, sources: Sources) -> dict[str, Any]:
    contract = data_set.contract
    organisation = sources.organisation
    held = sources.held.get(data_set.name, Held())
    stated = _stated(contract)
    is_open = _is_open(contract, stated)
    where = identifier(organisation.identifier_base, "data-set", data_set.name)
    found: dict[str, Any] = {
        "@id": where,
        "type": "dcat:Dataset",
        "identifier": where,
        "title": contract.name,
        "description": _joined(
            contract.purpose, contract.granularity, contract.limitations
        ),
        "summary": _shortened(contract.purpose or contract.name),
        "publisher": organisation.slug,
        "creator": [_creator(contract, sources)],
        "contactPoint": _contact(
            contract.owners[0] if contract.owners else "", sources
        ),
        "accessRights": "OPEN" if is_open else "INTERNAL",
        **_marking([contract], stated, sources),
        "licence": _licence(contract),
        "version": contract.version,
        "modified": held.changed_on or _recorded_on(data_set),
        "updateFrequency": _frequency(contract, held),
        "keyword": sorted({stated.get("domain") or "data", *contract.purposes}),
    }
    if contract.licence:
        found["licenceAsStated"] = contract.licence
    if held.first_month and held.last_month:
        found["temporal"] = {
            "type": "dct:PeriodOfTime",
            "startDate": held.first_month,
            "endDate": held.last_month,
        }
    return found


def _mart(mart: Mart, sources: Sources) -> dict[str, Any]:
    organisation = sources.organisation
    beneath = [
        sources.data_sets[name].contract
        for name in mart.data_sets
        if name in sources.data_sets
    ]
    held = [sources.held.get(one.data_set, Held()) for one in beneath]
    often = [_frequency(one, had) for one, had in zip(beneath, held, strict=True)]
    where = identifier(organisation.identifier_base, "mart", mart.name)
    return {
        "@id": where,
        "type": "dcat:Dataset",
        "identifier": where,
        "title": mart.title,
        "description": mart.description,
        "summary": _shortened(mart.description),
        "publisher": organisation.slug,
        # Made here: the force compiles it, whoever supplied what is beneath.
        "creator": [organisation.slug],
        "contactPoint": _contact(mart.owner, sources),
        "accessRights": "INTERNAL",
        **_marking(beneath, {}, sources),
        "licence": _shared_licence(beneath),
        "version": mart.version,
        "modified": mart.changed_on,
        "updateFrequency": _most_often(often),
        "keyword": sorted({"mart", mart.use_case or "shared"}),
        "relatedResource": [
            identifier(organisation.identifier_base, "data-set", name)
            for name in sorted(mart.data_sets)
        ],
    }


def _stated(contract: Contract) -> dict[str, Any]:
    """Return the properties of a contract that only a catalogue asks for."""
    data = load_yaml(contract.path).data
    own = {
        item["property"]: item.get("value")
        for item in data.get("customProperties") or []
    }
    return {"domain": data.get("domain"), **own}


def _is_open(contract: Contract, stated: dict[str, Any]) -> bool:
    """Whether anybody may have it: about nobody, and said so or openly licensed."""
    if any(one.classification in _PERSONAL for one in contract.columns):
        return False
    if stated.get("publicRelease") is not None:
        return stated["publicRelease"] is True
    return bool(_OPEN_LICENCE.search(contract.licence or ""))


def _marking(
    contracts: Iterable[Contract], stated: dict[str, Any], sources: Sources
) -> dict[str, str]:
    classification = sources.organisation.security_classification
    found: dict[str, str] = {"securityClassification": classification}
    about_people = any(
        one.classification in _PERSONAL for each in contracts for one in each.columns
    )
    handling = str(stated.get("handling") or "").upper()
    if "SENSITIVE" in handling or (about_people and not handling):
        found["handlingCaveat"] = "SENSITIVE"
    return found


def _contact(owner: str, sources: Sources) -> dict[str, str]:
    name, email = sources.contact(owner)
    return {"type": "vcard:Kind", "contactName": name, "email": email.lower()}


def _creator(contract: Contract, sources: Sources) -> str:
    """Return the organisation that made the data: a system of the force is the force."""
    for one in sources.organisation.suppliers:
        if one.supplier == contract.supplier:
            return one.slug
    own = sources.organisation.slug
    return (_slugged(contract.supplier) or own) if contract.licence else own


def _slugged(text: str) -> str:
    plain = text.partition("(")[0].replace("'", "").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _licence(contract: Contract) -> str:
    stated = contract.licence or ""
    if not _OPEN_LICENCE.search(stated):
        return _BY_AGREEMENT
    version = _LICENCE_VERSION.search(stated)
    # A version that nobody stated is not made up; the words are in `licenceAsStated`.
    return f"{_LICENCE}version/{version.group(1)}/" if version else _LICENCE


def _shared_licence(contracts: Iterable[Contract]) -> str:
    """Return the licence that all share, or that it goes out by agreement alone."""
    found = {_licence(one) for one in contracts}
    return found.pop() if len(found) == 1 else _BY_AGREEMENT


def _recorded_on(data_set: DataSet) -> str:
    """Return the day its DPIA was last signed or reviewed: nothing was landed yet."""
    try:
        dpia = data_set.dpia
    except DpiaInvalid:
        return data_set.made_on.isoformat()
    days = [one.on for one in dpia.sign_off] + [dpia.review.last]
    return max((one for one in days if one), default=data_set.made_on).isoformat()


def _frequency(contract: Contract, held: Held) -> str:
    if not contract.is_monthly:
        return "freq:irregular"
    return "freq:quarterly" if held.is_quarterly else "freq:monthly"


def _most_often(frequencies: Iterable[str]) -> str:
    found = set(frequencies)
    for one in ("freq:monthly", "freq:quarterly"):
        if one in found:
            return one
    return "freq:irregular"


def is_quarterly(months: Iterable[str]) -> bool:
    """Whether months (YYYY-MM) never stand closer than three apart."""
    numbers = sorted(int(one[:4]) * 12 + int(one[5:7]) for one in set(months))
    gaps = [later - earlier for earlier, later in pairwise(numbers)]
    return bool(gaps) and min(gaps) >= 3


def _joined(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part and part.strip())


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    if len(plain) <= _SUMMARY:
        return plain
    return plain[: _SUMMARY - 1].rsplit(" ", 1)[0] + "…"


def as_rows(document: dict[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the catalogue as a table: one row for each data set and mart."""
    columns = [
        "identifier",
        "title",
        "description",
        "publisher",
        "creator",
        "contact_name",
        "contact_email",
        "access_rights",
        "security_classification",
        "handling_caveat",
        "licence",
        "version",
        "modified",
        "update_frequency",
        "keyword",
        "first_month",
        "last_month",
        "related_resource",
    ]
    rows = [
        (
            one["identifier"],
            one["title"],
            one["description"],
            one["publisher"],
            "; ".join(one["creator"]),
            one["contactPoint"]["contactName"],
            one["contactPoint"]["email"],
            one["accessRights"],
            one["securityClassification"],
            one.get("handlingCaveat", ""),
            one["licence"],
            one["version"],
            one["modified"],
            one["updateFrequency"],
            "; ".join(one["keyword"]),
            one.get("temporal", {}).get("startDate", ""),
            one.get("temporal", {}).get("endDate", ""),
            "; ".join(one.get("relatedResource", [])),
        )
        for one in document["dataset"]
    ]
    return columns, rows
