"""Reading a DPIA: the record as it was signed, by people whose duties are separate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from edp_platform.governance.gate import duties_separated
from edp_platform.governance.records.base import RecordInvalid, blanks, read_record
from edp_platform.governance.records.dpia import Dpia, Kind, Layer
from edp_platform.governance.refusal import Refusal
from edp_platform.yaml_source import UnreadableYaml, YamlDocument, load_yaml

__all__ = ["Dpia", "DpiaInvalid", "Layer", "dpia_blanks", "load_dpia"]


class DpiaInvalid(RecordInvalid):
    """The record cannot be relied on; the message gives file, line and remedy.

    Attributes:
        refusals: the rules that refuse it, where it can be read and is unlawful.
    """

    def __init__(self, message: str, refusals: Sequence[Refusal] = ()) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)


def load_dpia(path: Path, made_on: date, kind: Kind | None = None) -> Dpia:
    """Load one DPIA.

    Args:
        path: a `dpia.yaml`; the record stands under `dpia:`, or by itself.
        made_on: the day the home was first used, from which an example record's
            relative dates count.
        kind: what a record in this place must be; None for any.

    Raises:
        DpiaInvalid: missing file, unknown or missing field, a record of another kind, or
            author, adviser and signer are not different people (rule 8).
    """
    try:
        document = load_yaml(path)
    except UnreadableYaml as error:
        raise DpiaInvalid(str(error)) from error
    dpia = read_record(document, Dpia, made_on, DpiaInvalid)
    wrapped = list(document.data) == [Dpia.wrapper]
    prefix = [str(Dpia.wrapper)] if wrapped else []
    if kind is not None and dpia.kind != kind:
        raise DpiaInvalid(
            f"{path}:{document.line([*prefix, 'kind'])}: `kind` is {dpia.kind}; the DPIA "
            f"in this place is of the kind {kind}: write `kind: {kind}`, and what such a "
            "record states."
        )
    refusals = duties_separated(dpia)
    if refusals:
        line = document.line([*prefix, "sign_off"])
        lines = [f"{path}:{line}: {refusal}" for refusal in refusals]
        raise DpiaInvalid("\n".join(lines), refusals)
    return dpia


def dpia_blanks(document: YamlDocument) -> list[tuple[int, str]]:
    """Return (line, what to write) of each field of a record that was left blank."""
    return [(one.line, one.message) for one in blanks(document, Dpia)]
