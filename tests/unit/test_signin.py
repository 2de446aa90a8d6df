"""Who is asking, over HTTP: what is let in, and what is not, way by way."""

from __future__ import annotations

import contextlib
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.signin.addresses import is_loopback, names_loopback
from edp_platform.signin.directory import Directory
from edp_platform.signin.layer import SignInLayer
from edp_platform.signin.origin import next_path
from edp_platform.signin.refusals import NotServable, Refused
from edp_platform.signin.service import SignIn, signed_in
from edp_platform.signin.sessions import LONGEST_SECONDS, Sessions
from edp_platform.signin.settings import Settings
from tests.accessible import faults

DAY = date(2026, 11, 22)
_OURS = {"Origin": "http://localhost"}
_SECRET = "a secret of more than sixteen"
_OIDC = {
    "EDP_SIGN_IN": "oidc",
    "EDP_PUBLIC_URL": "https://edp.force.example",
    "EDP_OIDC_ISSUER": "https://login.microsoftonline.com/0a1b/v2.0",
    "EDP_OIDC_CLIENT_ID": "edp",
    "EDP_OIDC_CLIENT_SECRET": _SECRET,
}
_HEADER = {
    "EDP_SIGN_IN": "header",
    "EDP_PUBLIC_URL": "https://edp.force.example",
    "EDP_HEADER_NAME": "X-Person",
    "EDP_HEADER_SECRET": _SECRET,
    "EDP_HEADER_PROXIES": "10.1.2.3, 10.9.0.0/28",
}


@pytest.fixture
def registers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Registers of this test's own."""
    folder = tmp_path / "registers"
    shutil.copytree(Registers(DAY).folder, folder)
    monkeypatch.setenv("EDP_REGISTERS", str(folder))
    return folder


@pytest.fixture
def home(tmp_path: Path, registers: Path) -> Home:
    return Home.open(date.today(), tmp_path / "home")


class _Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def _part(scope: Scope, receive: Receive, send: Send) -> None:
    """A web part that says who it sees."""
    found = signed_in(HTTPConnection(scope))
    who = found.person.id if found else "nobody"
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        try:
            while True:
                await socket.receive_text()
                await socket.send_text(who)
        except WebSocketDisconnect:
            return
    await PlainTextResponse(who)(scope, receive, send)


def _opened(home: Home, variables: dict[str, str], host: str = "127.0.0.1") -> SignIn:
    return SignIn.of(home, Settings.read(variables, host))


def _browser(
    sign_in: SignIn, base: str = "http://localhost", **given: Any
) -> TestClient:
    return TestClient(
        SignInLayer(_part, sign_in, {"/open"}),
        base_url=base,
        follow_redirects=False,
        **given,
    )


def _enter(browser: TestClient, persona: str = "analyst", **fields: str) -> Any:
    return browser.post("/sign-in", data={"persona": persona, **fields}, headers=_OURS)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True)),
        *(("localhost", True), ("::ffff:127.0.0.1", True)),
        *(("0.0.0.0", False), ("::", False), ("", False), ("10.0.0.1", False)),
        *(("::ffff:10.0.0.1", False), ("nowhere.invalid", False)),
    ],
)
def test_loopback_is_this_machine_alone(host: str, is_one: bool) -> None:
    assert is_loopback(host) is is_one


@pytest.mark.parametrize(
    ("authority", "is_one"),
    [
        *(("localhost:3000", True), ("127.0.0.1:3000", True), ("[::1]:3000", True)),
        *(("localhost.evil.example", False), ("evil.example:3000", False), ("", False)),
        *(("127.0.0.1.evil.example", False), ("0.0.0.0:3000", False)),
    ],
)
def test_only_names_nobody_else_can_own_are_this_machine(
    authority: str, is_one: bool
) -> None:
    assert names_loopback(authority) is is_one


@pytest.mark.parametrize(
    ("host", "changed", "said"),
    [
        ("0.0.0.0", {"EDP_SIGN_IN": ""}, "Nobody has said how people sign in"),
        ("0.0.0.0", {"EDP_SIGN_IN": "demo"}, "served on this machine only"),
        ("", {"EDP_SIGN_IN": "demo"}, "served on this machine only"),
        ("127.0.0.1", {"EDP_SIGN_IN": "off"}, "no way to sign in"),
        *(
            ("0.0.0.0", {**_OIDC, name: ""}, name)
            for name in _OIDC
            if name != "EDP_SIGN_IN"
        ),
        *(
            ("0.0.0.0", {**_HEADER, name: ""}, name)
            for name in _HEADER
            if name != "EDP_SIGN_IN"
        ),
        ("0.0.0.0", {**_OIDC, "EDP_PUBLIC_URL": "http://edp.example"}, "without https"),
        ("0.0.0.0", {**_OIDC, "EDP_PUBLIC_URL": "https://edp.example/x"}, "host alone"),
        (
            "0.0.0.0",
            {**_OIDC, "EDP_OIDC_ISSUER": "http://idp.example"},
            "without https",
        ),
        (
            "0.0.0.0",
            {
                **_OIDC,
                "EDP_OIDC_ISSUER": "https://login.microsoftonline.com/common/v2.0",
            },
            "every organisation",
        ),
        ("0.0.0.0", {**_OIDC, "EDP_OIDC_CLIENT_SECRET": "short"}, "16 characters"),
        (
            "0.0.0.0",
            {**_OIDC, "EDP_OIDC_CLIENT_SECRET_FILE": "/gone"},
            "cannot be read",
        ),
        ("0.0.0.0", {**_HEADER, "EDP_HEADER_PROXIES": "0.0.0.0/0"}, "everybody"),
        ("0.0.0.0", {**_HEADER, "EDP_HEADER_PROXIES": "proxy"}, "EDP_HEADER_PROXIES"),
    ],
)
def test_what_would_let_anybody_in_is_not_served(
    host: str, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(NotServable, match=said) as refused:
        Settings.read(changed, host)
    assert _SECRET not in str(refused.value)


def test_each_way_that_is_set_up_whole_is_served(tmp_path: Path) -> None:
    assert Settings.read({}, "127.0.0.1").mode == "demo"
    (tmp_path / "secret").write_text(_SECRET + "\n")
    variables = {**_OIDC, "EDP_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    oidc = Settings.read({**variables, "EDP_OIDC_CLIENT_SECRET": ""}, "0.0.0.0")
    assert oidc.is_secure and oidc.oidc and oidc.oidc.client_secret == _SECRET
    header = Settings.read(_HEADER, "0.0.0.0")
    assert header.header and len(header.header.proxies) == 2
    assert _SECRET not in repr((oidc, header))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *((one, one) for one in ("/", "/assets/marts?view=a%20b#c", "/a//b")),
        *(
            (one, "/")
            for one in (
                *("", "assets", "//evil.example", "/\\evil.example", "\\\\evil"),
                *("https://evil.example", "/\t/evil.example", "/a\r\nSet-Cookie: x"),
                *("/sign-in?next=/sign-in", "/sign-out", "javascript:alert(1)"),
                "/" + "a" * 3000,
            )
        ),
        (None, "/"),
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(
    given: str | None, kept: str
) -> None:
    assert next_path(given) == kept


def test_a_persona_signs_in_is_known_and_signs_out(home: Home) -> None:
    sign_in = _opened(home, {})
    browser = _browser(sign_in)
    page = browser.get("/assets", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (
        303,
        "/sign-in?next=/assets",
    )
    assert browser.get("/assets").status_code == 401
    assert browser.get("/").headers["location"] == "/sign-in?next=/"
    assert browser.get("/open").text == "nobody"
    door = browser.get("/sign-in?next=/assets")
    assert "This is a demonstration" in door.text
    assert "frame-ancestors 'none'" in door.headers["content-security-policy"]
    assert door.text.count('name="persona"') == 8, "a persona's person is missing"
    entered = _enter(browser, next="/assets?a=1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/assets?a=1")
    cookie = entered.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={LONGEST_SECONDS}"):
        assert word in cookie
    assert browser.get("/assets").text == "performance-analyst"
    stolen = browser.cookies["edp_session"]
    assert browser.post("/sign-out", headers=_OURS).status_code == 303
    other = _browser(sign_in, cookies={"edp_session": stolen})
    assert other.get("/assets").status_code == 401, "a copied cookie outlived sign-out"
    events = [(one["event"], one.get("person")) for one in sign_in.log.rows()]
    assert events == [
        ("signed_in", "performance-analyst"),
        ("signed_out", "performance-analyst"),
    ]
    held = (home.root / "logs" / "signin.jsonl").read_text()
    assert stolen.split(".")[0] not in held


def test_a_session_ends_with_its_day_its_person_and_its_way(
    home: Home, registers: Path
) -> None:
    sign_in = _opened(home, {})
    clock = _Clock()
    sign_in.now = clock
    browser = _browser(sign_in)
    _enter(browser)
    record = registers / "people" / "performance-analyst.yaml"
    kept = record.read_text()
    record.write_text(kept + "left: -1d\n")
    assert browser.get("/").status_code == 403
    assert _enter(browser).status_code == 403
    record.write_text("not a record")
    assert browser.get("/").status_code == 403
    record.write_text(kept)
    assert browser.get("/").text == "performance-analyst"
    clock.now += LONGEST_SECONDS
    assert browser.get("/assets").status_code == 401
    clock.now -= LONGEST_SECONDS
    # Signed in by one click, then served to everybody: that session is nobody's.
    sign_in.settings = Settings.read(
        {**_OIDC, "EDP_PUBLIC_URL": "http://localhost"}, "127.0.0.1"
    )
    assert browser.get("/assets").status_code == 401
    reasons = {one.get("reason") for one in sign_in.log.rows()}
    assert {"left", "unknown"} <= reasons


@pytest.mark.parametrize("when", ["before a message", "while it is answered"])
def test_a_websocket_ends_when_its_person_leaves(
    home: Home, registers: Path, when: str
) -> None:
    record = registers / "people" / "performance-analyst.yaml"
    heard = []

    def leave() -> None:
        record.write_text(record.read_text() + "left: -1d\n")

    async def part(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        while True:
            heard.append(await socket.receive_text())
            if heard[-1] == "leave":
                leave()
            await socket.send_text("for those who are here")

    layer = SignInLayer(part, _opened(home, {}))
    browser = TestClient(layer, "http://localhost", raise_server_exceptions=False)
    browser.post(
        "/sign-in", data={"persona": "analyst"}, headers=_OURS, follow_redirects=False
    )
    with (
        contextlib.suppress(WebSocketDisconnect),  # of the part, as it ends
        browser.websocket_connect("ws://localhost/", headers=_OURS) as socket,
    ):
        socket.send_text("hello")
        assert socket.receive_text() == "for those who are here"
        if when == "before a message":
            leave()
        socket.send_text("leave" if when == "while it is answered" else "more")
        message = socket.receive()
    assert (message["type"], message["code"]) == ("websocket.close", 4401)
    assert heard == ["hello", "leave"][: 2 if when == "while it is answered" else 1]


def test_a_suppliers_people_are_let_in_while_the_firm_is_engaged(
    registers: Path,
) -> None:
    held = Registers(DAY, registers).suppliers["SUP-NORTHGATE"]
    before, after = held.starts - timedelta(days=1), held.ends + timedelta(days=1)
    assert Directory(DAY, registers, lambda: held.ends).person("zoe-lambert")
    for day in (before, after):
        with pytest.raises(Refused, match="begun or is over"):
            Directory(DAY, registers, lambda day=day: day).person("zoe-lambert")


@pytest.mark.parametrize(
    "forged", ["", "x", "{name}", "{name}.AAAA.{sign}", "{cookie}x"]
)
def test_a_forged_cookie_is_nobodys(home: Home, forged: str) -> None:
    sessions = Sessions(home)
    cookie = sessions.begin("operator", "demo", 100.0)
    assert sessions.find(cookie, "demo", 200.0) is not None
    name, _, sign = cookie.split(".")
    made = forged.format(name=name, sign=sign, cookie=cookie)
    assert sessions.find(made, "demo", 200.0) is None
    assert (home.keys / "signin").stat().st_mode & 0o077 == 0


_NOT_OURS: list[dict[str, str]] = [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:9999"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", **_OURS},
]


@pytest.mark.parametrize("headers", _NOT_OURS)
def test_what_changes_something_comes_from_our_own_page(
    home: Home, headers: dict[str, str]
) -> None:
    sign_in = _opened(home, {})
    browser = _browser(sign_in)
    refused = browser.post("/sign-in", data={"persona": "operator"}, headers=headers)
    assert refused.status_code == 403
    _enter(browser)
    assert browser.post("/graphql", json={}, headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        browser.websocket_connect("ws://localhost/", headers=headers) as socket,
    ):
        socket.send_text("who?")
        socket.receive_text()
    assert browser.post("/graphql", json={}, headers=_OURS).status_code == 200
    assert [one["reason"] for one in sign_in.log.rows() if "reason" in one] == [
        "cross_origin"
    ] * 3


def test_the_demonstration_knows_no_other_name_and_no_proxy(home: Home) -> None:
    sign_in = _opened(home, {})
    rebound = _browser(sign_in, "http://evil.example")
    entered = rebound.post(
        "/sign-in",
        data={"persona": "operator"},
        headers={"Origin": "http://evil.example"},
    )
    assert entered.status_code == 403
    proxied = _browser(sign_in, headers={"X-Forwarded-For": "10.0.0.9"})
    assert _enter(proxied).status_code == 403
    assert proxied.get("/sign-in").status_code == 403
    assert _enter(_browser(sign_in), persona="nobody").status_code == 403
    assert [one["reason"] for one in sign_in.log.rows()] == [
        *("wrong_host", "forwarded", "forwarded", "no_such_persona"),
    ]


def _behind(
    sign_in: SignIn, address: str, headers: list[tuple[str, str]], url: str = "/"
) -> Any:
    browser = _browser(sign_in, "https://edp.force.example", client=(address, 5000))
    return browser.get(url, headers=headers)  # type: ignore[arg-type]


def test_a_proxys_header_counts_from_the_proxy_alone(
    home: Home, registers: Path
) -> None:
    record = registers / "people" / "operator.yaml"
    record.write_text(record.read_text() + "email: robin.ashe@force.example\n")
    sign_in = _opened(home, _HEADER, "0.0.0.0")
    proof = ("X-EDP-Proxy-Secret", _SECRET)
    named = ("X-Person", "Robin.Ashe@force.example")
    for address in ("10.1.2.3", "10.9.0.5"):
        assert _behind(sign_in, address, [proof, named]).text == "operator"
    assert _behind(sign_in, "10.1.2.3", [proof, ("X-Person", "operator")]).is_success
    refused: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("not_the_proxy", "10.1.2.4", [proof, named]),
        ("not_the_proxy", "10.1.2.4", [proof, named, ("X-Forwarded-For", "10.1.2.3")]),
        ("wrong_proxy_secret", "10.1.2.3", [named]),
        ("wrong_proxy_secret", "10.1.2.3", [named, ("X-EDP-Proxy-Secret", "guess")]),
        ("wrong_proxy_secret", "10.1.2.3", [named, proof, proof]),
        ("nobody_named", "10.1.2.3", [proof]),
        ("nobody_named", "10.1.2.3", [proof, named, ("X-Person", "siro")]),
        ("unknown", "10.1.2.3", [proof, ("X-Person", "../people/operator")]),
        ("unknown", "10.1.2.3", [proof, ("X-Person", "who@force.example")]),
    ]
    for reason, address, headers in refused:
        assert _behind(sign_in, address, headers).status_code == 403, reason
        assert sign_in.log.rows()[-1]["reason"] == reason
    events = [one["event"] for one in sign_in.log.rows()]
    assert events.count("signed_in") == 1, "each page was logged as a sign-in"
    assert _SECRET not in (home.root / "logs" / "signin.jsonl").read_text()


def test_a_faulty_register_of_sign_in_lets_nobody_in(
    home: Home, registers: Path
) -> None:
    sign_in = _opened(home, {})
    browser = _browser(sign_in)
    (registers / "personas.yaml").write_text("id: sign-in\n")
    assert browser.get("/sign-in").status_code == 403
    assert _enter(browser).status_code == 403
    assert sign_in.log.rows()[-1]["reason"] == "register_invalid"
    (registers / "personas.yaml").unlink()
    with pytest.raises(Exception, match=r"personas\.yaml"):
        _opened(home, {})


def test_every_page_of_signing_in_is_accessible(home: Home) -> None:
    sign_in = _opened(home, {})
    browser = _browser(sign_in, headers={"Accept": "text/html"})
    pages = [
        browser.get("/sign-in").text,
        browser.get("/sign-out").text,
        browser.post("/sign-out").text,  # refused: no origin
    ]
    _enter(browser)
    pages.append(browser.get("/sign-out").text)
    oidc = {**_OIDC, "EDP_PUBLIC_URL": "http://localhost"}
    for variables in (oidc, {**_HEADER, "EDP_PUBLIC_URL": "http://localhost"}):
        pages.append(_browser(_opened(home, variables)).get("/sign-in").text)
    for page in pages:
        assert faults(page) == []


def test_what_is_written_on_a_page_is_escaped(home: Home, registers: Path) -> None:
    record = registers / "people" / "operator.yaml"
    record.write_text(record.read_text().replace("Robin", "<b>Robin"))
    browser = _browser(_opened(home, {}))
    assert "&lt;b&gt;Robin" in browser.get("/sign-in").text
    assert '"><b>' not in browser.get('/sign-in?next=/"><b>').text


def test_a_secure_service_sets_secure_cookies(home: Home) -> None:
    sign_in = _opened(home, _OIDC, "0.0.0.0")
    response = PlainTextResponse("")
    scope = {"type": "http", "path": "/", "headers": [], "method": "GET"}
    sign_in.begin(Request({**scope}), response, sign_in.directory.person("operator"))
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-edp_session=") and "Secure" in cookie
