"""Everything an export is made from, read once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from edp_platform.datasets import DataSet, SetAside
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.records.eqia import Eqia
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.governance.records.organisation import Organisation
from edp_platform.governance.records.people import Person, Team
from edp_platform.governance.records.policy_document import PolicyDocument
from edp_platform.governance.records.purpose import Purpose
from edp_platform.governance.records.retention_rule import RetentionRule
from edp_platform.governance.records.supplier import Supplier


@dataclass(frozen=True)
class Held:
    """What the platform holds of a data set.

    Attributes:
        first_month: of the months supplied; None for a set without months.
        last_month: the same.
        changed_on: ISO day of the latest landing; None where nothing was landed.
        is_quarterly: its months are quarters' ends.
    """

    first_month: str | None = None
    last_month: str | None = None
    changed_on: str | None = None
    is_quarterly: bool = False


@dataclass(frozen=True)
class Mart:
    """One mart of the published copy.

    Attributes:
        name: as in `marts.NAME`.
        title: in words.
        description: of its model, grain first.
        use_case: whose it is.
        owner: `team:…` or an e-mail address.
        version: of its SQL, as a hash.
        changed_on: ISO day of the published copy.
        data_sets: that it derives from.
        columns: (name, type, description).
    """

    name: str
    title: str
    description: str
    use_case: str | None
    owner: str
    version: str
    changed_on: str
    data_sets: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Sources:
    """Contracts, DPIAs, registers, and what is held and published."""

    organisation: Organisation
    data_sets: Mapping[str, DataSet]
    set_aside: tuple[SetAside, ...]
    platform_dpia: Dpia
    purposes: Mapping[str, Purpose]
    retention_rules: Mapping[str, RetentionRule]
    policy_documents: Mapping[str, PolicyDocument]
    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    suppliers: Mapping[str, Supplier] = field(default_factory=dict)
    models: Mapping[str, ModelRecord] = field(default_factory=dict)
    eqias: Mapping[str, Eqia] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)
    marts: tuple[Mart, ...] = ()
    #: (register, fault) of each record of a register that cannot be relied on.
    faults: tuple[tuple[str, str], ...] = ()

    def left_out(self, registers: Collection[str] = ()) -> list[dict[str, str]]:
        """Return what an export lacks: folders set aside, and faulty records.

        Args:
            registers: those whose records the export is made of.
        """
        folders = [(one.name, one.error) for one in self.set_aside]
        records = [one for one in self.faults if one[0] in registers]
        return [
            {"name": name, "error": error} for name, error in sorted(folders + records)
        ]

    def contact(self, owner: str) -> tuple[str, str]:
        """Return the name and e-mail address of an owner.

        An owner that no register names is reached through the controller.
        """
        team = self.teams.get(owner)
        if team is not None:
            return team.title, team.email
        if "@" in owner:
            return owner, owner
        return self.organisation.name, self.organisation.email

    def person(self, identity: str) -> str:
        """Return a person's name, or the id where no register names it."""
        found = self.people.get(identity)
        return found.name if found is not None else identity
