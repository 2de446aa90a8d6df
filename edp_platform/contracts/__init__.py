"""Data contracts: read, checked, and the one source of every schema.

Belongs here: loading an ODCS 3.2 contract, refusing what the standard or our
vocabulary does not know, and generating from it (pandera schema, dbt sources and code
lists, catalogue columns). Does not belong here: reading data files (`ingestion`),
deciding whether data may be used (`governance`), anything of Dagster.
"""

from edp_platform.contracts.loading import ContractInvalid, load_contract
from edp_platform.contracts.model import Column, Contract, KnownValue, QualityRule

__all__ = [
    "Column",
    "Contract",
    "ContractInvalid",
    "KnownValue",
    "QualityRule",
    "load_contract",
]
