"""The Dagster UI by level: a viewer's requests never reach an app that can write.

One app a level over one loaded workspace. A viewer's has a read-only context, a
launcher's has the permissions to start work, an administrator's has all. Each request's
GraphQL is read before it is passed on, so both this layer and Dagster must agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, get_args

from dagster import DagsterInstance
from dagster._core.workspace.context import (
    IWorkspaceProcessContext,
    WorkspaceProcessContext,
    WorkspaceRequestContext,
)
from dagster._core.workspace.permissions import (
    EDITOR_PERMISSIONS,
    LOCATION_SCOPED_PERMISSIONS,
    PermissionResult,
    Permissions,
)
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edp_platform.governance.records.sign_in import Level
from edp_platform.orchestration.graphql_rules import (
    NotAllowedHere,
    require_request,
    require_subscription,
)
from edp_platform.signin.layer import NOT_ALLOWED
from edp_platform.signin.origin import SAFE_METHODS
from edp_platform.signin.pages import fragment, page
from edp_platform.signin.service import SignedIn, SignIn, signed_in

#: Tag of a run or backfill: the person who started it in the UI.
STARTED_BY = "edp/started_by"
_LARGEST_BODY = 2_000_000
_LAUNCHERS = frozenset(
    {
        Permissions.LAUNCH_PIPELINE_EXECUTION,
        Permissions.LAUNCH_PIPELINE_REEXECUTION,
        Permissions.LAUNCH_PARTITION_BACKFILL,
        Permissions.TERMINATE_PIPELINE_EXECUTION,
        Permissions.CANCEL_PARTITION_BACKFILL,
    }
)
#: Change the event log, or read whole files and runs of the code's machine.
_ADMINISTRATORS = ("/report_asset_", "/notebook", "/dagit/notebook", "/download_debug")


def _permissions(level: Level) -> dict[str, PermissionResult]:
    def is_given(name: str) -> bool:
        if level == "admin":
            return EDITOR_PERMISSIONS[name]
        return level == "launcher" and name in _LAUNCHERS

    reason = f"Not for a {level} of this platform"
    return {
        name: PermissionResult(is_given(name), None if is_given(name) else reason)
        for name in EDITOR_PERMISSIONS
    }


class _LevelRequest(WorkspaceRequestContext):
    """One request, with the permissions of the level it came in at."""

    def __init__(self, level: Level, **given: Any) -> None:
        super().__init__(**given, read_only=level == "viewer")
        self._given = _permissions(level)

    @property
    def permissions(self) -> Mapping[str, PermissionResult]:
        return self._given

    def permissions_for_location(
        self, *, location_name: str
    ) -> Mapping[str, PermissionResult]:
        return {name: self._given[name] for name in LOCATION_SCOPED_PERMISSIONS}

    @property
    def show_instance_config(self) -> bool:
        # It holds the address of the storage, and that its password.
        return False

    def get_viewer_tags(self) -> dict[str, str]:
        # Backfills are tagged with these, over whatever tags were asked for.
        return started_by(self.source)


class _LevelContext(IWorkspaceProcessContext[WorkspaceRequestContext]):
    """The loaded workspace, as one level sees it."""

    def __init__(self, loaded: WorkspaceProcessContext, level: Level) -> None:
        self._loaded = loaded
        self._level = level

    def create_request_context(
        self, source: object | None = None
    ) -> WorkspaceRequestContext:
        return _LevelRequest(
            self._level,
            instance=self.instance,
            current_workspace=self._loaded.get_current_workspace(),
            process_context=self,
            version=self.version,
            source=source,
        )

    @property
    def version(self) -> str:
        return self._loaded.version

    @property
    def instance(self) -> DagsterInstance:
        return self._loaded.instance

    @property
    def code_locations_count(self) -> int:
        return self._loaded.code_locations_count

    @property
    def code_location_names(self) -> Any:
        return self._loaded.code_location_names

    def reload_code_location(self, name: str) -> None:
        self._administrator()
        self._loaded.reload_code_location(name)

    def shutdown_code_location(self, name: str) -> None:
        self._administrator()
        self._loaded.shutdown_code_location(name)

    def reload_workspace(self) -> None:
        self._administrator()
        self._loaded.reload_workspace()

    def refresh_workspace(self) -> None:
        self._loaded.refresh_workspace()

    def _administrator(self) -> None:
        if self._level != "admin":
            raise PermissionError("only administrators load code anew")


def started_by(source: object | None) -> dict[str, str]:
    """Return the tag that says who asks, for what a request starts."""
    found = signed_in(source) if isinstance(source, HTTPConnection) else None
    return {STARTED_BY: found.person.id} if found else {}


def tag_starts(instance: DagsterInstance) -> None:
    """From now on, tag each run that this process submits with who asked for it.

    Set as the run is submitted, over whatever tags the request asked for: nobody starts
    a run in another's name.
    """
    coordinator = instance.run_coordinator
    submit = coordinator.submit_run

    def submit_tagged(context: Any) -> Any:
        tags = started_by(getattr(context.workspace, "source", None))
        if tags:
            instance.add_run_tags(context.dagster_run.run_id, tags)
        return submit(context)

    coordinator.submit_run = submit_tagged  # type: ignore[method-assign]


class LevelsOfUi:
    """The ASGI app behind the sign-in layer.

    Args:
        loaded: the workspace.
        sign_in: whose register says who is of which level, and whose log is written.
    """

    def __init__(self, loaded: WorkspaceProcessContext, sign_in: SignIn) -> None:
        self._instance = loaded.instance
        self._sign_in = sign_in
        self._apps: dict[Level, ASGIApp] = {
            level: create_app_from_workspace_process_context(
                _LevelContext(loaded, level), live_data_poll_rate=2000
            )
            for level in get_args(Level)
        }
        self._open: ASGIApp = self._apps["viewer"]
        tag_starts(self._instance)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        if scope["type"] == "lifespan":
            await self._open(scope, receive, send)
            return
        conn = HTTPConnection(scope)
        found = signed_in(conn)
        if found is None:
            # Only paths that are open to everybody come here unsigned.
            await self._open(scope, receive, send)
            return
        level = self._sign_in.directory.level(found.person)
        is_websocket = scope["type"] == "websocket"
        if level is None:
            await run_in_threadpool(self._log, conn, found, level, "no level")
            if is_websocket:
                await receive()
                await send({"type": "websocket.close", "code": NOT_ALLOWED})
            else:
                await _no_access(found)(scope, receive, send)
        elif is_websocket:
            await self._websocket(scope, receive, send, found, level)
        else:
            await self._http(scope, receive, send, found, level)

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, found: SignedIn, level: Level
    ) -> None:
        path, is_safe = scope["path"], scope["method"] in SAFE_METHODS
        if path == "/graphql":
            request = Request(scope, receive)
            answer = await self._graphql(request, found, level)
            if isinstance(answer, Response):
                await answer(scope, receive, send)
            else:
                await self._apps[level](*_with_body(scope, receive, answer), send)
            return
        is_admin_path = path.startswith(_ADMINISTRATORS)
        if (is_admin_path or not is_safe) and level != "admin":
            await run_in_threadpool(
                self._log, HTTPConnection(scope), found, level, "administrators only"
            )
            await _told(403, f"Not for a {level} of this platform.")(
                scope, receive, send
            )
        elif not is_safe and not is_admin_path:
            await _told(405, "Nothing is posted here.")(scope, receive, send)
        else:
            bar = fragment("bar", name=found.person.name, level=level, mode=found.mode)
            shown = _with_bar(send, bar) if scope["method"] == "GET" else send
            await self._apps[level](scope, receive, shown)

    async def _graphql(
        self, request: Request, found: SignedIn, level: Level
    ) -> Response | bytes:
        """Return the body to pass on, or the answer that refuses it."""
        if request.method != "POST":
            return _told(405, "Post GraphQL; an address alone must start nothing.")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _told(415, "Post GraphQL as application/json.")
        try:
            query, variables, operation = await _asked(request)
            mutations = await run_in_threadpool(
                require_request,
                query,
                variables,
                level,
                partial(self._is_own, found.person.id),
            )
        except NotAllowedHere as refusal:
            await run_in_threadpool(self._log, request, found, level, str(refusal))
            return _told(403, str(refusal))
        if mutations:
            await run_in_threadpool(self._log, request, found, level, "", mutations)
        # Written anew, so that Dagster reads exactly what was looked at.
        asked = {"query": query, "variables": variables, "operationName": operation}
        return json.dumps(asked).encode()

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, found: SignedIn, level: Level
    ) -> None:
        """Pass on subscriptions; answer anything else with an error of its own."""
        conn = HTTPConnection(scope)

        async def heard() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                refusal = _frame_refused(message)
                if refusal is None:
                    return message
                await run_in_threadpool(self._log, conn, found, level, refusal[1])
                await send({"type": "websocket.send", "text": json.dumps(refusal[0])})

        await self._apps[level](scope, heard, send)

    def _is_own(self, person: str, work: str) -> bool:
        """Whether a run or a backfill was started by this person."""
        run = self._instance.get_run_by_id(work)
        tags = run.tags if run else None
        if tags is None:
            backfill = self._instance.get_backfill(work)
            tags = backfill.tags if backfill else {}
        return tags.get(STARTED_BY) == person

    def _log(
        self,
        conn: HTTPConnection,
        found: SignedIn,
        level: Level | None,
        refused: str,
        mutations: tuple[str, ...] = (),
    ) -> None:
        self._sign_in.log.add(
            "refused" if refused else "action",
            conn,
            found.mode,
            person=found.person.id,
            level=level or "none",
            reason=refused,
            mutations=list(mutations),
        )


async def _asked(request: Request) -> tuple[str, dict[str, Any] | None, str | None]:
    """Return query, variables and operation of one request.

    Raises:
        NotAllowedHere: it is too large, or not one request.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise NotAllowedHere("Larger than any request of the user interface.")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAllowedHere("This is not JSON.") from error
    if not isinstance(asked, dict):
        raise NotAllowedHere("One request at a time: a list of them is refused.")
    query, variables = asked.get("query"), asked.get("variables")
    operation = asked.get("operationName")
    if not isinstance(query, str):
        raise NotAllowedHere("There is no query in this request.")
    if not isinstance(variables, dict | None) or not isinstance(operation, str | None):
        raise NotAllowedHere("Variables are an object, and an operation has a name.")
    return query, variables, operation


def _frame_refused(message: Message) -> tuple[dict[str, Any], str] | None:
    """Return what to answer a frame that is not passed on, and why; None to pass it."""
    frame: Any = None
    try:
        frame = json.loads(message.get("text") or "")
        if not isinstance(frame, dict):
            raise NotAllowedHere("A frame is one JSON object.")
        if frame.get("type") == "start":
            payload = frame.get("payload")
            query = payload.get("query") if isinstance(payload, dict) else None
            if not isinstance(query, str):
                raise NotAllowedHere("There is no query in this frame.")
            require_subscription(query)
    except (ValueError, RecursionError, NotAllowedHere) as error:
        words = str(error) if isinstance(error, NotAllowedHere) else "This is not JSON."
        number = frame.get("id") if isinstance(frame, dict) else None
        answer = {"type": "error", "id": number, "payload": {"message": words}}
        return answer, words
    return None


def _with_body(scope: Scope, receive: Receive, body: bytes) -> tuple[Scope, Receive]:
    """Return the request with another body, and nothing in its address."""
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name not in (b"content-length", b"transfer-encoding", b"content-type")
    ]
    headers += [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"application/json"),
    ]
    is_read = False

    async def replaced() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return {**scope, "headers": headers, "query_string": b""}, replaced


def _with_bar(send: Send, bar: str) -> Send:
    """Return a sender that writes into a page who is signed in, and how to sign out."""
    start: Message | None = None
    held = b""

    async def said(message: Message) -> None:
        nonlocal start, held
        if message["type"] == "http.response.start":
            kinds = [v for k, v in message["headers"] if k.lower() == b"content-type"]
            if any(kind.startswith(b"text/html") for kind in kinds):
                start = message
                return
        elif start is not None and message["type"] == "http.response.body":
            held += message.get("body", b"")
            if message.get("more_body"):
                return
            body = held.replace(b"</body>", bar.encode() + b"</body>", 1)
            headers = [
                (k, v) for k, v in start["headers"] if k.lower() != b"content-length"
            ]
            headers.append((b"content-length", str(len(body)).encode()))
            await send({**start, "headers": headers})
            message = {"type": "http.response.body", "body": body}
        await send(message)

    return said


def _told(status: int, words: str) -> Response:
    return JSONResponse({"errors": [{"message": words}]}, status)


def _no_access(found: SignedIn) -> Response:
    role = found.person.role.replace("_", " ")
    return page(
        "refused",
        403,
        heading="No access to the pipeline",
        words="Your role has no access to the pipeline's user interface. Ask the "
        "platform's owner if your work needs it.",
        person=found.person,
        role=role,
    )
