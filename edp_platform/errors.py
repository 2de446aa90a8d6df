"""The errors a person is meant to read: each says what, why, and what to do next."""

from __future__ import annotations

from edp_platform.contracts import ContractInvalid
from edp_platform.files import WriteFailed
from edp_platform.governance.gate import GateRefused
from edp_platform.governance.record_editing import NotEditable
from edp_platform.governance.records.base import RecordInvalid
from edp_platform.ingestion.archives import UnsafeArchive
from edp_platform.ingestion.download import DownloadFailed
from edp_platform.ingestion.lake import LakeDamaged
from edp_platform.ingestion.landing import LandingFailed
from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.orchestration.refusals import NothingSelected, WaitedTooLong
from edp_platform.publishing.snapshot import NothingPublished
from edp_platform.told import Told
from edp_platform.warehouse.manifest import DbtFailed
from edp_platform.yaml_source import UnreadableYaml

#: What `edp` tells in one message; anything else is a fault of ours and shows whole.
EXPECTED = (
    ContractInvalid,
    DbtFailed,
    DownloadFailed,
    GateRefused,
    LakeDamaged,
    LandingFailed,
    NotEditable,
    NothingPublished,
    NothingSelected,
    Told,
    RecordInvalid,
    UnreadableFile,
    UnreadableYaml,
    UnsafeArchive,
    WaitedTooLong,
    WriteFailed,
)
