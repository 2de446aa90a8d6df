"""The ASGI layer in front of a web part: nothing behind it sees an unknown caller."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edp_platform.governance.records.base import RecordInvalid
from edp_platform.signin.origin import (
    SAFE_METHODS,
    expected_origin,
    is_same_origin,
    next_path,
)
from edp_platform.signin.pages import page
from edp_platform.signin.refusals import Refused
from edp_platform.signin.service import SignedIn, SignIn, mark

if TYPE_CHECKING:
    from edp_platform.signin.oidc import Provider

#: Where the identity provider sends the browser back to.
CALLBACK = "/sign-in/callback"

#: Where a browser keeps what belongs to a sign-in under way.
_UNDERWAY = "edp_underway"
#: A proxy writes these; in front of a demonstration there must be none.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_LARGEST_FORM = 10_000
#: Close codes of a websocket that are ours to give (RFC 6455, 7.4.2).
NOT_SIGNED_IN, NOT_ALLOWED = 4401, 4403


class SignInLayer:
    """Signs people in, and passes on who asks; see `service.signed_in`.

    Args:
        app: what stands behind it.
        sign_in: the way people sign in.
        open_paths: paths that are read without signing in.
    """

    def __init__(
        self, app: ASGIApp, sign_in: SignIn, open_paths: Collection[str] = ()
    ) -> None:
        self._app = app
        self._sign_in = sign_in
        self._open_paths = frozenset(open_paths)
        self._provider = _provider(sign_in)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path, is_safe = scope["path"], scope["method"] in SAFE_METHODS
        if path in self._open_paths and is_safe:
            await self._app(mark(scope, None), receive, send)
            return
        try:
            self._require_our_pages(request, is_safe)
            own = await self._own(request)
            if own is not None:
                await own(scope, receive, send)
                return
            found = await run_in_threadpool(self._sign_in.who, request)
            if found is None and not is_safe:
                raise Refused("not_signed_in", "Sign in first.")
        except (Refused, RecordInvalid) as error:
            refused = _as_refused(error)
            await run_in_threadpool(self._sign_in.refuse, request, refused)
            await _refusal(request, refused)(scope, receive, send)
            return
        if found is None:
            await _to_sign_in(request)(scope, receive, send)
            return
        await self._app(mark(scope, found), receive, send)

    def _require_our_pages(self, conn: HTTPConnection, is_safe: bool) -> None:
        """Refuse what did not reach us by our own name or, to change, from our own page.

        Raises:
            Refused: see above.
        """
        origin = expected_origin(self._sign_in.settings, conn)
        if origin is None:
            raise Refused("wrong_host", "This platform has another address.")
        if self._sign_in.settings.mode == "demo" and any(
            name in conn.headers for name in _FORWARDED
        ):
            raise Refused(
                "forwarded",
                "The demonstration is served to this machine only, not through a proxy.",
            )
        if not is_safe and not is_same_origin(origin, conn):
            raise Refused("cross_origin", "This did not come from a page of ours.")

    async def _own(self, request: Request) -> Response | None:
        """Return the answer where the path is one of ours."""
        path, is_post = request.scope["path"], request.method == "POST"
        if path == "/sign-in":
            return await self._enter(request) if is_post else await self._door(request)
        if path == "/sign-in/start" and self._provider and request.method == "GET":
            return await self._start(request, self._provider)
        if path == CALLBACK and self._provider and request.method == "GET":
            return await self._finish(request, self._provider)
        if path == "/sign-out":
            return await self._leave(request) if is_post else self._leaving(request)
        return None

    async def _door(
        self, request: Request, fault: str = "", status: int = 200
    ) -> Response:
        mode = self._sign_in.settings.mode
        directory = self._sign_in.directory
        personas = [
            (persona, person, directory.level(person))
            for persona, person in (directory.personas() if mode == "demo" else ())
        ]
        return page(
            "sign_in",
            status,
            mode=mode,
            personas=personas,
            fault=fault,
            next=next_path(request.query_params.get("next")),
        )

    async def _enter(self, request: Request) -> Response:
        """Sign in as a persona of the demonstration."""
        if self._sign_in.settings.mode != "demo":
            raise Refused("no_personas", "There is nobody to choose here.")
        form = await _form(request)
        chosen = form.get("persona", "")
        for persona, person in self._sign_in.directory.personas():
            if persona.id == chosen:
                response = RedirectResponse(next_path(form.get("next")), 303)
                await run_in_threadpool(self._sign_in.begin, request, response, person)
                return response
        raise Refused("no_such_persona", "There is no such persona.", chosen)

    async def _start(self, request: Request, provider: Provider) -> Response:
        address, kept = await provider.begin(
            next_path(request.query_params.get("next"))
        )
        response = RedirectResponse(address, 303)
        sealed = self._sign_in.sessions.seal(kept)
        self._sign_in.set_cookie(response, _UNDERWAY, sealed, 600)
        return response

    async def _finish(self, request: Request, provider: Provider) -> Response:
        sealed = request.cookies.get(_UNDERWAY, "")
        kept = self._sign_in.sessions.unseal(sealed)
        address = await provider.finish(request, kept)
        assert kept is not None  # else it was refused
        person = self._sign_in.directory.person_by_email(address)
        response = RedirectResponse(next_path(kept["next"]), 303)
        await run_in_threadpool(self._sign_in.begin, request, response, person)
        self._sign_in.set_cookie(response, _UNDERWAY, "", 0)
        return response

    def _leaving(self, request: Request) -> Response:
        try:
            found = self._sign_in.who(request)
        except Refused:
            found = None
        person = found.person if found else None
        return page("sign_out", person=person, role=_role(found))

    async def _leave(self, request: Request) -> Response:
        response = RedirectResponse("/sign-in", 303)
        await run_in_threadpool(self._sign_in.end, request, response)
        return response

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a websocket on for as long as whoever opened it may be here."""
        conn = HTTPConnection(scope)

        def who() -> SignedIn:
            self._require_our_pages(conn, is_safe=False)
            found = self._sign_in.who(conn)
            if found is None:
                raise Refused("not_signed_in", "Sign in first.")
            return found

        try:
            found = await run_in_threadpool(who)
        except (Refused, RecordInvalid) as error:
            await self._log_closing(conn, error)
            await receive()
            await send({"type": "websocket.close", "code": NOT_SIGNED_IN})
            return
        is_closed = False

        async def is_still_in() -> bool:
            nonlocal is_closed
            if is_closed:
                return False
            try:
                still = await run_in_threadpool(who)
                if still.person.role == found.person.role:
                    return True
                raise Refused("role_changed", "Your role has changed.", still.person.id)
            except (Refused, RecordInvalid) as error:
                is_closed = True
                await self._log_closing(conn, error)
                await send({"type": "websocket.close", "code": NOT_SIGNED_IN})
                return False

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not await is_still_in():
                return {"type": "websocket.disconnect", "code": NOT_SIGNED_IN}
            return message

        async def said(message: Message) -> None:
            if message["type"] != "websocket.send" or await is_still_in():
                await send(message)

        await self._app(mark(scope, found), heard, said)

    async def _log_closing(self, conn: HTTPConnection, error: Exception) -> None:
        await run_in_threadpool(self._sign_in.refuse, conn, _as_refused(error))


def _as_refused(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    words = "The register of sign-in is faulty, so nobody is let in."
    return Refused("register_invalid", words)


def _provider(sign_in: SignIn) -> Provider | None:
    settings = sign_in.settings
    if settings.oidc is None or settings.public_url is None:
        return None
    # Here, because the other ways do without it, and it takes a while to import.
    from edp_platform.signin.oidc import Provider

    return Provider(settings.oidc, settings.public_url + CALLBACK)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a small form, each once.

    Raises:
        Refused: it is no such form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("not_a_form", "This is not what our form sends.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise Refused("form_too_large", "This is not what our form sends.")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _is_page(request: Request) -> bool:
    """Whether a person looks at the answer, or a program."""
    return request.method in (
        "GET",
        "HEAD",
        "POST",
    ) and "text/html" in request.headers.get("accept", "")


def _to_sign_in(request: Request) -> Response:
    # Whoever only looks whether somebody answers here is led to the door, too.
    is_front = request.method in SAFE_METHODS and request.scope["path"] == "/"
    if not is_front and not _is_page(request):
        return JSONResponse(
            {"errors": [{"message": "Not signed in: open /sign-in in a browser."}]}, 401
        )
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = next_path(quote(request.scope["path"]) + query)
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='/')}", 303)


def _refusal(request: Request, refused: Refused) -> Response:
    status = 401 if refused.reason == "not_signed_in" else 403
    if not _is_page(request):
        return JSONResponse({"errors": [{"message": refused.words}]}, status)
    return page(
        "refused",
        status,
        heading="Not signed in",
        words=refused.words,
        person=None,
        role="",
    )


def _role(found: SignedIn | None) -> str:
    return found.person.role.replace("_", " ") if found else ""
