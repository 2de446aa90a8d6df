"""Which account the server's processes run under: PostgreSQL refuses to run as root.

An ordinary user runs it as itself. Root hands it to an account without rights; where
that account cannot reach the home or the binaries (a checkout below /root), a user
namespace stands in: there the server has no capability of root's, though it may read
what root owns. No permission outside `EDP_HOME` is changed for either.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edp_platform.database.failures import AccountUnusable

SETTING = "EDP_POSTGRES_ACCOUNT"
_DEFAULT = "nobody"
#: What a user namespace calls its only user; any number but 0 would do.
_STRANGER = "65534"
_NAMESPACE = (
    "unshare",
    "--user",
    f"--map-user={_STRANGER}",
    f"--map-group={_STRANGER}",
)


@dataclass(frozen=True)
class Account:
    """How the server's programs are run, and who owns its data folder.

    Attributes:
        user: uid and gid of the unprivileged account; None where the process stays
            who it is.
        prefix: what stands before each command.
    """

    user: tuple[int, int] | None = None
    prefix: tuple[str, ...] = ()

    @property
    def owner(self) -> tuple[int, int]:
        """Who owns the data folder: uid and gid."""
        return self.user or (os.geteuid(), os.getegid())

    def run(
        self, command: Sequence[str | Path], timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a program under this account, away from any folder it may not see.

        Raises:
            PermissionError: the account cannot reach the program.
            subprocess.TimeoutExpired: it did not end.
        """
        return subprocess.run(
            [*self.prefix, *map(str, command)],
            user=self.user[0] if self.user else None,
            group=self.user[1] if self.user else None,
            extra_groups=[] if self.user else None,
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def account_for(folder: Path, program: Path) -> Account:
    """Return the account that can run `program` on what lies in `folder`.

    Raises:
        AccountUnusable: started as root, and neither way works.
    """
    if os.geteuid() != 0:
        return Account()
    given = _named(os.environ.get(SETTING) or _DEFAULT)
    lacking = _lacking(given, folder, program)
    if not lacking:
        return given
    namespace = Account(prefix=_NAMESPACE)
    if not _lacking(namespace, folder, program):
        return namespace
    raise AccountUnusable(
        f"PostgreSQL does not run as root, and the account "
        f"{os.environ.get(SETTING) or _DEFAULT} cannot reach {' or '.join(lacking)}; "
        "nor does this machine allow a user namespace. Nothing was started. Do one of "
        "these: put EDP_HOME and the checkout where that account may enter (not below "
        "/root); run edp as an ordinary user; or name a PostgreSQL server in "
        "EDP_POSTGRES_URL."
    )


def _named(name: str) -> Account:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise AccountUnusable(
            f"PostgreSQL does not run as root, and there is no account {name} to hand "
            f"it to. Set {SETTING} to an account of this machine that has no rights."
        ) from None
    if found.pw_uid == 0:
        raise AccountUnusable(
            f"{SETTING} names {name}, which is root; PostgreSQL does not run as root. "
            "Name an account that has no rights, such as nobody."
        )
    return Account(user=(found.pw_uid, found.pw_gid))


def _lacking(account: Account, folder: Path, program: Path) -> list[str]:
    """Return what the account cannot reach of the two."""
    return [
        str(path)
        for path, command in (
            (program, (program, "--version")),
            (folder, ("test", "-x", folder)),
        )
        if not _works(account, command)
    ]


def _works(account: Account, command: Sequence[str | Path]) -> bool:
    try:
        return account.run(command).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _environment() -> dict[str, str]:
    """Return the environment without what would steer PostgreSQL or Python."""
    kept = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}
