"""A request for access: a grant that nobody approved yet, for somebody else to decide."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml

from edp_platform.access.holders import Holders
from edp_platform.files import replacing
from edp_platform.governance.records.base import RecordInvalid, load_record
from edp_platform.governance.records.grant import Grant
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.told import Told


class CannotRequest(Told):
    """The request says too little, or names what is not there; nothing was written."""


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for.

    Attributes:
        person: who it is for.
        by: who asks.
        marts: the marts.
        columns: those of one mart; none for every column about nobody.
        purposes: of the register.
        project: what it is for, in a few words.
        days: how long.
    """

    person: str
    by: str
    marts: Sequence[str]
    columns: Sequence[str]
    purposes: Sequence[str]
    project: str
    days: int


def write_request(
    wanted: Wanted, home: Home, registers: Registers, today: date
) -> Path:
    """Write a request where the people who decide will find it.

    In the register of grants where a force keeps its own (`EDP_REGISTERS`), else under
    `EDP_HOME/requests`: the example registers of the package are nobody's to change.

    Returns:
        the file written.

    Raises:
        CannotRequest: see above.
        WriteFailed: it cannot be written.
    """
    holder = Holders(registers).get(wanted.person)
    if holder is None:
        raise CannotRequest(
            f"{wanted.person} is nobody of the register `people`, nor of a supplier's "
            "people, so nothing can be granted to them. Write their record first."
        )
    unknown = [one for one in wanted.purposes if one not in registers.purposes]
    if unknown:
        raise CannotRequest(
            f"{', '.join(unknown)} is no purpose of the register; there are "
            f"{', '.join(registers.purposes)}."
        )
    kind = "force" if holder.supplier is None else holder.supplier.basis
    own = os.environ.get("EDP_REGISTERS") is not None
    folder = registers.folder / "grants" if own else home.root / "requests"
    identity = _free_id(wanted.person, today, folder, registers)
    chosen = (
        {"columns": [*wanted.columns]}
        if wanted.columns
        else {"identifier_classes": ["none"]}
    )
    record = {
        "id": identity,
        "status": "requested",
        "person": wanted.person,
        "kind": kind,
        "marts": [*wanted.marts],
        **chosen,
        "purposes": [*wanted.purposes],
        "project": wanted.project,
        "starts": today.isoformat(),
        "until": (today + timedelta(days=wanted.days - 1)).isoformat(),
        "requested_by": wanted.by,
        "requested_on": today.isoformat(),
        "approved_by": None,
        "approved_on": None,
    }
    path = folder / f"{identity}.yaml"
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    with replacing(path) as temporary:
        temporary.write_text(_HEAD + text, encoding="utf-8")
        try:
            load_record(temporary, Grant, home.made_on, RecordInvalid)
        except RecordInvalid as invalid:
            said = str(invalid).replace(str(temporary), identity)
            raise CannotRequest(f"The request cannot be written:\n{said}") from invalid
    return path


_HEAD = (
    "# Asked for with edp access request. An information asset owner who is neither the\n"
    "# person nor who asked decides: status approved, approved_by and approved_on, or\n"
    "# status refused (edp access approve writes it); then the file stands in the\n"
    "# register `grants`, and edp access apply opens it.\n"
)


def _free_id(person: str, today: date, folder: Path, registers: Registers) -> str:
    stem = f"G-{person.upper()}-{today:%Y%m%d}"
    number = 1
    while True:
        identity = f"{stem}-{number}"
        if (
            identity not in registers.grants
            and not (folder / f"{identity}.yaml").exists()
        ):
            return identity
        number += 1
