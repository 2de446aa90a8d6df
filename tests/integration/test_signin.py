"""Signing in through the real doors: an identity provider, and the Dagster UI."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import httpx
import pytest
import uvicorn
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.signin.layer import SignInLayer
from edp_platform.signin.log import SignInLog
from edp_platform.signin.service import SignIn
from edp_platform.signin.settings import Settings
from tests.identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    identity_provider,
    serving,
)

TODAY = date.today()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home, and registers in which two people have an address."""
    folder = tmp_path_factory.mktemp("signin")
    registers = folder / "registers"
    shutil.copytree(Registers(TODAY).folder, registers)
    for person, line in {
        "operator": "email: robin.ashe@force.example",
        "stop-search-lead": "email: gone@force.example\nleft: -1d",
    }.items():
        path = registers / "people" / f"{person}.yaml"
        path.write_text(f"{path.read_text()}{line}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDP_REGISTERS", str(registers))
        yield Home.open(TODAY, folder / "home")


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as found:
        yield found


async def _part(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["edp.signed_in"].person.id)(scope, receive, send)


@pytest.fixture
def sign_in(home: Home, provider: IdentityProvider) -> SignIn:
    provider.fault, provider.address = "", "Robin.Ashe@force.example"
    variables = {
        "EDP_SIGN_IN": "oidc",
        "EDP_PUBLIC_URL": "http://localhost",
        "EDP_OIDC_ISSUER": provider.issuer,
        "EDP_OIDC_CLIENT_ID": CLIENT,
        "EDP_OIDC_CLIENT_SECRET": SECRET,
    }
    return SignIn.of(home, Settings.read(variables, "127.0.0.1"))


@pytest.fixture
def browser(sign_in: SignIn) -> TestClient:
    layer = SignInLayer(_part, sign_in)
    return TestClient(layer, base_url="http://localhost", follow_redirects=False)


def _back(browser: TestClient) -> str:
    """Go to the provider and return the address it sends the browser back to."""
    asked = browser.get("/sign-in/start?next=/assets")
    assert asked.status_code == 303
    answer = httpx.get(asked.headers["location"])
    return answer.headers["location"]


def test_a_person_signs_in_with_the_forces_account(
    browser: TestClient, sign_in: SignIn
) -> None:
    back = _back(browser)
    done = browser.get(back)
    assert (done.status_code, done.headers["location"]) == (303, "/assets")
    assert browser.get("/assets").text == "operator"
    again = browser.get(back)
    assert again.status_code == 403, "an answer was taken twice"
    # Another question of this browser: the code of the first is not its answer.
    other = browser.get(_back(browser).replace("state=", "state=x"))
    assert other.status_code == 403
    assert [one["reason"] for one in sign_in.log.rows()[-2:]] == ["state_mismatch"] * 2
    # Somebody else's answer, put to a browser that asked for none.
    fresh = TestClient(browser.app, base_url="http://localhost", follow_redirects=False)
    assert fresh.get(_back(browser)).status_code == 403
    assert fresh.get("/assets").status_code == 401


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("wrong nonce", "id_token: InvalidClaimError"),
        ("no nonce", "id_token: MissingClaimError"),
        ("wrong audience", "id_token: InvalidClaimError"),
        ("wrong issuer", "id_token: InvalidClaimError"),
        ("expired", "id_token: ExpiredTokenError"),
        ("unsigned", "id_token: "),
        ("another's key", "id_token: BadSignatureError"),
        ("our secret as key", "id_token: "),
        ("no token", "no_id_token"),
        ("no address", "no_claim: email"),
        ("not verified", "email_not_verified"),
        ("address: nobody@force.example", "unknown"),
        ("address: gone@force.example", "left"),
    ],
)
def test_what_the_provider_must_not_say_signs_nobody_in(
    browser: TestClient,
    sign_in: SignIn,
    provider: IdentityProvider,
    fault: str,
    reason: str,
) -> None:
    provider.fault = fault
    if fault.startswith("address: "):
        provider.address = fault.removeprefix("address: ")
    back = _back(browser)
    assert browser.get(back).status_code == 403
    assert browser.get("/assets").status_code == 401
    assert sign_in.log.rows()[-1]["reason"].startswith(reason)
    assert "code=" not in sign_in.log.rows()[-1]["path"]


_CODE = """
import dagster as dg

@dg.asset
def one() -> int:
    return 1

defs = dg.Definitions(assets=[one])
"""
_LAUNCH = """
mutation Start($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
_LOGS = """
subscription Logs($id: ID!) {
  pipelineRunLogs(runId: $id) {
    ... on PipelineRunLogsSubscriptionSuccess { hasMorePastEvents }
    ... on PipelineRunLogsSubscriptionFailure { message }
  }
}
"""
_PERSONS = {"viewer": "analyst", "launcher": "steward", "admin": "operator"}


@dataclass
class Ui:
    """The UI on a real port, and one browser for each level."""

    address: str
    home: Home
    instance: Any
    target: Any
    browsers: dict[str, httpx.Client] = field(default_factory=dict)

    def enter(self, level: str) -> httpx.Client:
        """Return a browser signed in at a level, or one that is nobody's."""
        if level not in self.browsers:
            self.browsers[level] = httpx.Client(
                base_url=self.address, headers={"Origin": self.address}, timeout=60
            )
            if level != "anonymous":
                data = {"persona": _PERSONS.get(level, level)}
                done = self.browsers[level].post("/sign-in", data=data)
                assert done.status_code == 303, done.text
        return self.browsers[level]

    def ask(self, level: str, query: str, **variables: Any) -> httpx.Response:
        asked = {"query": query, "variables": variables}
        return self.enter(level).post("/graphql", json=asked)

    @property
    def runs(self) -> set[str]:
        return {run.run_id for run in self.instance.get_runs()}

    def waiting(self, person: str) -> str:
        """Return a run that a person started and that has not begun."""
        run = self.instance.create_run_for_job(
            dg.GraphDefinition("held").to_job(),
            tags={"edp/started_by": person},
        )
        return str(run.run_id)

    @contextmanager
    def socket(self, level: str, **headers: str) -> Iterator[ClientConnection]:
        cookies = self.enter(level).cookies
        given = {"Origin": self.address, **headers}
        if cookies:
            given["Cookie"] = "; ".join(f"{k}={v}" for k, v in cookies.items())
        with connect(
            self.address.replace("http", "ws") + "/graphql",
            subprotocols=["graphql-ws"],  # type: ignore[list-item]
            additional_headers=given,
            origin=None,
            open_timeout=20,
        ) as opened:
            opened.send(json.dumps({"type": "connection_init"}))
            assert json.loads(opened.recv(20))["type"] == "connection_ack"
            yield opened


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI of one asset, in demonstration."""
    from edp_platform.orchestration.session import prepare_dagster_home
    from edp_platform.orchestration.ui import app

    folder = tmp_path_factory.mktemp("ui")
    code = folder / "code.py"
    code.write_text(_CODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("EDP_POSTGRES_URL", raising=False)
        home = Home.open(TODAY, folder / "home")
        for name in ("EDP_HOME", "DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
            patch.setenv(name, "1000")  # put back at the end
        prepare_dagster_home(home)
        target = PythonFileTarget(str(code), None, None, "code")
        with (
            dg.DagsterInstance.get() as instance,
            app(home, Settings.read({}, "127.0.0.1"), target) as served,
        ):
            settings = uvicorn.Config(
                served, host="127.0.0.1", port=0, log_level="error", lifespan="off"
            )
            with serving(settings) as port:
                yield Ui(f"http://127.0.0.1:{port}", home, instance, target)


@pytest.fixture(scope="module")
def params(ui: Ui) -> dict[str, Any]:
    answer = ui.ask(
        "viewer",
        "{ repositoriesOrError { ... on RepositoryConnection "
        "{ nodes { name location { name } } } } }",
    )
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["data"]["repositoriesOrError"]["nodes"]
    return {
        "selector": {
            "repositoryName": found["name"],
            "repositoryLocationName": found["location"]["name"],
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": ["one"]}],
        },
        "mode": "default",
        # In somebody else's name.
        "executionMetadata": {"tags": [{"key": "edp/started_by", "value": "operator"}]},
    }


def test_stock_dagster_starts_a_run_for_anybody_and_ours_for_those_who_may(
    ui: Ui, params: dict[str, Any]
) -> None:
    expected = {"anonymous": 401, "viewer": 403, "launcher": 200, "admin": 200}
    for level, status in expected.items():
        before = ui.runs
        answer = ui.ask(level, _LAUNCH, params=params)
        assert answer.status_code == status, (level, answer.text)
        assert len(ui.runs - before) == (1 if status == 200 else 0), level
        for run in ui.runs - before:
            tags = ui.instance.get_run_by_id(run).tags
            person = {"launcher": "crime-data-lead", "admin": "operator"}[level]
            assert tags["edp/started_by"] == person
    assert ui.ask("viewer", _RUNS).json()["data"]["runsOrError"]["results"]
    # The same post with nobody in front, which is why there is somebody.
    before = ui.runs
    with WorkspaceProcessContext(ui.instance, ui.target) as loaded:
        stock = TestClient(create_app_from_workspace_process_context(loaded))
        asked = {"query": _LAUNCH, "variables": {"params": params}}
        assert stock.post("/graphql", json=asked).status_code == 200
    assert len(ui.runs - before) == 1


def test_a_mutation_is_found_however_it_is_written(
    ui: Ui, params: dict[str, Any]
) -> None:
    before = ui.runs
    written = [
        _LAUNCH.replace("launchRun(", "version: launchRun("),
        "query Q { version } " + _LAUNCH,
        "mutation M($params: ExecutionParams!) { ...F } "
        "fragment F on Mutation { launchRun(executionParams: $params) { __typename } }",
        "mutation M($params: ExecutionParams!) { ... on Mutation { ... @include(if: "
        "true) { launchRun(executionParams: $params) { __typename } } } }",
        "mutation M { ...F } fragment F on Mutation { ...F }",
        "mutation M { ...Missing }",
        'mutation M { logTelemetry(action: "a", clientTime: "1", clientId: "x", '
        'metadata: "{}") { __typename } }',
        "type Query { a: Int }",
        "{ " * 100_000,
        "",
    ]
    for query in written:
        answer = ui.ask("viewer", query, params=params)
        assert answer.status_code == 403, (query[:80], answer.text)
        nobody = ui.ask("anonymous", query, params=params)
        assert nobody.status_code == 401
    assert ui.runs == before


@pytest.mark.parametrize("level", ["anonymous", "viewer", "launcher", "admin"])
def test_only_one_posted_json_request_is_read(
    ui: Ui, params: dict[str, Any], level: str
) -> None:
    browser, before = ui.enter(level), ui.runs
    asked = {"query": _LAUNCH, "variables": {"params": params}}
    texts = {"query": _LAUNCH, "variables": json.dumps({"params": params})}
    refused = [
        browser.get("/graphql", params=texts),
        browser.get("/graphql", params=texts, headers={"Accept": "text/html"}),
        browser.head("/graphql", params=texts),
        browser.post("/graphql", json=[asked]),
        browser.post("/graphql", json={**asked, "variables": "{}"}),
        browser.post("/graphql", params=texts),
        browser.post("/graphql", data=texts),
        browser.post("/graphql", files={"operations": json.dumps(asked)}),
        browser.post(
            "/graphql",
            content=_LAUNCH,
            params=texts,
            headers={"Content-Type": "application/graphql"},
        ),
        browser.post("/graphql", json=asked, headers={"Origin": "http://evil.example"}),
        browser.post(
            "/graphql",
            content=json.dumps(asked),
            headers={"Content-Type": "text/plain"},
        ),
        browser.put("/graphql", json=asked),
        browser.post("/graphql/", json=asked),
        browser.post("//graphql", json=asked),
    ]
    statuses = [one.status_code for one in refused]
    # A page that nobody's browser asks for leads to signing in.
    first = [401, 303, 401] if level == "anonymous" else [405, 405, 405]
    assert statuses[:3] == first
    assert all(status in (401, 403, 405, 415) for status in statuses[3:]), statuses
    assert ui.runs == before


def test_each_level_does_what_it_may_and_no_more(
    ui: Ui, params: dict[str, Any]
) -> None:
    stop = (
        "mutation S($id: String!) { terminateRun(runId: $id, terminatePolicy: "
        "MARK_AS_CANCELED_IMMEDIATELY) { __typename } }"
    )
    wipe = (
        "mutation W { wipeAssets(assetPartitionRanges: "
        '[{assetKey: {path: ["one"]}}]) { __typename } }'
    )
    reload = "mutation R { reloadWorkspace { __typename } }"
    delete = "mutation D($id: String!) { deleteRun(runId: $id) { __typename } }"
    own, others = ui.waiting("crime-data-lead"), ui.waiting("operator")
    for query in (wipe, reload, delete):
        for level, status in {"anonymous": 401, "viewer": 403, "launcher": 403}.items():
            assert ui.ask(level, query, id=own).status_code == status, (level, query)
    for level, status in {"anonymous": 401, "viewer": 403, "launcher": 403}.items():
        assert ui.ask(level, stop, id=others).status_code == status
    both = "mutation S($ids: [String!]!) { terminateRuns(runIds: $ids) { __typename } }"
    assert ui.ask("launcher", both, ids=[own, others]).status_code == 403
    assert ui.ask("launcher", both, ids=[]).status_code == 403
    assert ui.ask("launcher", stop).status_code == 403
    done = ui.ask("launcher", stop, id=own).json()["data"]["terminateRun"]
    assert done["__typename"] == "TerminateRunSuccess"
    for work, person in (("own", "crime-data-lead"), ("others", "operator")):
        ui.instance.add_backfill(
            PartitionBackfill(
                backfill_id=work,
                status=BulkActionStatus.REQUESTED,
                from_failure=False,
                tags={"edp/started_by": person},
                backfill_timestamp=0.0,
                asset_selection=[dg.AssetKey("one")],
            )
        )
    cancel = (
        "mutation C($id: String!) { cancelPartitionBackfill(backfillId: $id) "
        "{ __typename } }"
    )
    assert ui.ask("launcher", cancel, id="others").status_code == 403
    assert ui.ask("launcher", cancel, id="own").status_code != 403
    done = ui.ask("admin", stop, id=others).json()["data"]["terminateRun"]
    assert done["__typename"] == "TerminateRunSuccess"
    for query in (wipe, reload, delete):
        answer = ui.ask("admin", query, id=own)
        assert answer.status_code == 200, answer.text
        assert "Unauthorized" not in answer.text
    actions = [
        (one["person"], one["mutations"])
        for one in SignInLog(ui.home).rows()
        if one["event"] == "action"
    ]
    assert ("crime-data-lead", ["terminateRun"]) in actions
    assert ("operator", ["wipeAssets"]) in actions


def test_files_reports_and_settings_are_kept_by_level(ui: Ui) -> None:
    report = "/report_asset_materialization/one"
    for level, status in {"anonymous": 401, "viewer": 403, "launcher": 403}.items():
        assert ui.enter(level).post(report).status_code == status
        for path in ("/notebook?path=/etc/x.ipynb", "/download_debug/x"):
            assert ui.enter(level).get(path).status_code == status
    assert ui.enter("admin").post(report).status_code == 200
    assert ui.enter("admin").post("/elsewhere").status_code == 405
    for level in ("viewer", "launcher", "admin"):
        assert ui.enter(level).get("/assets").status_code == 200
        told = ui.ask(level, "{ instance { info } }").json()["data"]["instance"]
        assert told["info"] is None, "the storage's address, with its password"
    permissions = "{ permissions { permission value } }"
    given = {
        level: {
            one["permission"]
            for one in ui.ask(level, permissions).json()["data"]["permissions"]
            if one["value"]
        }
        for level in ("viewer", "launcher", "admin")
    }
    assert given["viewer"] == set()
    assert "launch_pipeline_execution" in given["launcher"]
    assert "wipe_assets" in given["admin"] - given["launcher"]
    # Nothing but versions is told to whoever asks, and no file is.
    nobody = ui.enter("anonymous")
    assert set(nobody.get("/server_info").json()) == {
        "dagster_webserver_version",
        "dagster_version",
        "dagster_graphql_version",
    }
    assert nobody.get("/").headers["location"] == "/sign-in?next=/"
    for path in ("/favicon.png", "/robots.txt", "/dagit_info", "/logs/x"):
        assert nobody.get(path).status_code == 401, path
    # Signed in, and of a role that the register gives no level.
    supplier = ui.enter("supplier")
    assert supplier.get("/", headers={"Accept": "text/html"}).status_code == 403
    assert supplier.post("/graphql", json={"query": _RUNS}).status_code == 403


def test_a_websocket_carries_subscriptions_of_those_who_may(
    ui: Ui, params: dict[str, Any]
) -> None:
    ui.ask("admin", _LAUNCH, params=params)
    run, before = next(iter(ui.runs)), ui.runs

    def start(socket: ClientConnection, number: str, query: str, **given: Any) -> Any:
        payload = {"query": query, "variables": given}
        socket.send(json.dumps({"type": "start", "id": number, "payload": payload}))
        return json.loads(socket.recv(20))

    for level in ("viewer", "launcher", "admin"):
        with ui.socket(level) as socket:
            told = start(socket, "1", _LOGS, id=run)
            assert told["type"] == "data" and told["id"] == "1", told
            socket.send(json.dumps({"type": "stop", "id": "1"}))
            for number, query in enumerate((_LAUNCH, _RUNS, f"{_LOGS} {_RUNS}", "{")):
                answer: Any = {}
                name = f"refused-{number}"
                answer = start(socket, name, query, params=params)
                while answer.get("id") != name:  # what was still under way
                    answer = json.loads(socket.recv(20))
                assert answer["type"] == "error", answer
                # Ours: Dagster's own error would come after a look at the document.
                word = "no GraphQL document" if query == "{" else "subscriptions only"
                assert word in answer["payload"]["message"]
            socket.send(b"\x00")
            assert json.loads(socket.recv(20))["type"] == "error"
    assert ui.runs == before
    for level, headers in (
        ("anonymous", {}),
        ("supplier", {}),
        ("viewer", {"Origin": "http://evil.example"}),
    ):
        with (
            pytest.raises((InvalidStatus, ConnectionClosed)),
            ui.socket(level, **headers) as socket,
        ):
            start(socket, "1", _LOGS, id=run)


def test_signing_out_closes_the_websocket(ui: Ui) -> None:
    browser = ui.enter("information-rights")
    with ui.socket("information-rights") as socket:
        assert browser.post("/sign-out").status_code == 303
        socket.send(json.dumps({"type": "connection_init"}))
        with pytest.raises(ConnectionClosed):
            socket.recv(20)
    del ui.browsers["information-rights"]
