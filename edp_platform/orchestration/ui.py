"""The Dagster UI behind sign-in: `python -m edp_platform.orchestration.ui`.

Stands where `dagster-webserver` stood: that one lets whoever reaches its port run and
wipe everything.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any

from edp_platform.files import WriteFailed
from edp_platform.governance.records.base import RecordInvalid
from edp_platform.home import Home
from edp_platform.signin.settings import Settings
from edp_platform.told import Told

#: Says which versions run, and nothing else: `edp up` asks it whether we are ready.
OPEN_PATHS = frozenset({"/server_info"})
#: As Dagster's own web server has them.
_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _OVERFLOW = 15_000, 3600, 20


@contextmanager
def app(home: Home, settings: Settings, target: Any) -> Iterator[Any]:
    """Load the workspace once; yield the ASGI app that serves it to whoever signs in.

    Args:
        home: whose registers, sessions and log.
        settings: how people sign in.
        target: a `WorkspaceLoadTarget` of Dagster's.

    Raises:
        PersonasInvalid: the register of sign-in cannot be relied on.
    """
    import dagster as dg
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster_webserver.version import __version__

    from edp_platform.orchestration.ui_levels import LevelsOfUi
    from edp_platform.signin.layer import SignInLayer
    from edp_platform.signin.service import SignIn

    sign_in = SignIn.of(home, settings)
    with ExitStack() as stack:
        instance = stack.enter_context(dg.DagsterInstance.get())
        instance.optimize_for_webserver(
            _STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _OVERFLOW
        )
        loaded = stack.enter_context(
            WorkspaceProcessContext(instance, target, version=__version__)
        )
        yield SignInLayer(LevelsOfUi(loaded, sign_in), sign_in, OPEN_PATHS)


def serve(host: str, port: int, workspace: str, environment: Mapping[str, str]) -> None:
    """Serve until told to stop.

    Raises:
        NotServable: this way of signing in may not be served on this address.
        PersonasInvalid: as `app`.
    """
    # Before Dagster is imported: a refusal is told at once.
    settings = Settings.read(environment, host)
    import uvicorn
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    home = Home.open(date.today())
    with app(home, settings, WorkspaceFileTarget([workspace])) as served:
        uvicorn.run(
            served,
            host=host,
            port=port,
            log_level="warning",
            lifespan="off",
            # The address of the other end is who really asks; a header is not.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )


def main(arguments: list[str]) -> int:
    """Serve as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="edp_platform.orchestration.ui")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", required=True)
    given = parser.parse_args(arguments)
    try:
        serve(given.host, given.port, given.workspace, os.environ)
    except (Told, RecordInvalid, WriteFailed) as error:
        print(f"edp: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
