"""The landing store: originals once, receipts, and which delivery is active."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from edp_platform.home import Home
from edp_platform.ingestion.landing import (
    Delivery,
    LandingFailed,
    LandingStore,
    Supplies,
    landed_now,
    sha256_of,
)
from tests.landing_room import bytes_under


@pytest.fixture
def store(tmp_path: Path) -> LandingStore:
    return LandingStore(Home.open(date(2026, 3, 2), tmp_path / "home"))


def delivery(**changed: object) -> Delivery:
    one = Delivery(
        sha256="a" * 64,
        name="2024-01-btp-street.csv",
        received_as="inbox/2024-01-btp-street.csv",
        data_set="police_uk_street",
        scope="btp",
        months=("2024-01",),
        records=3,
        supplier="somebody",
        release_date="2024-03-01",
        landed_at="2024-03-01T09:00:00+00:00#000000",
    )
    return replace(one, **changed)  # type: ignore[arg-type]


def received(folder: Path, content: bytes = b"a,b\n1,2\n") -> tuple[Path, Delivery]:
    path = folder / "file.csv"
    path.write_bytes(content)
    return path, delivery(sha256=sha256_of(path))


def test_an_original_is_kept_as_it_came_and_read_only(
    store: LandingStore, tmp_path: Path
) -> None:
    path, one = received(tmp_path)
    kept, changed = store.land(path, one)
    assert changed and kept == one
    original = store.original(one.sha256)
    assert original.read_bytes() == path.read_bytes()
    assert original.stat().st_mode & 0o222 == 0
    assert store.deliveries() == store.deliveries_of(one.sha256) == [one]


@pytest.mark.parametrize(
    ("changed", "is_new"),
    [
        ({}, False),
        ({"release_date": "2024-02-01"}, False),
        ({"name": "other.csv", "landed_at": "2025"}, False),
        ({"release_date": "2024-03-02"}, True),
        ({"months": ("2024-02",)}, True),
        ({"scope": "bedfordshire"}, True),
        ({"data_set": "police_uk_outcomes"}, True),
    ],
)
def test_the_same_bytes_again_are_a_delivery_only_of_another_slice_or_later_release(
    store: LandingStore, tmp_path: Path, changed: dict[str, object], is_new: bool
) -> None:
    path, one = received(tmp_path)
    store.land(path, one)
    inode = store.original(one.sha256).stat().st_ino
    before = bytes_under(store.folder)
    _, is_changed = store.land(path, replace(one, **changed))  # type: ignore[arg-type]
    assert is_changed is is_new
    assert (bytes_under(store.folder) != before) is is_new
    assert len(store.deliveries()) == 1 + is_new
    assert store.original(one.sha256).stat().st_ino == inode


def test_each_delivery_of_the_same_bytes_has_an_account_of_its_own(
    store: LandingStore, tmp_path: Path
) -> None:
    path, one = received(tmp_path)
    names = []
    for changed in (
        {},
        {"months": ("2024-02",)},
        {"release_date": "2024-05-01"},
        {"data_set": "police_uk_outcomes"},
    ):
        kept, _ = store.land(path, replace(one, **changed))  # type: ignore[arg-type]
        names.append((kept.data_set, kept.account_name))
    file = one.sha256[:12]
    assert names == [
        ("police_uk_street", file),
        ("police_uk_street", f"{file}-1"),
        ("police_uk_street", f"{file}-2"),
        ("police_uk_outcomes", file),
    ]


def test_a_receipt_written_before_deliveries_were_counted_is_still_read(
    store: LandingStore, tmp_path: Path
) -> None:
    path, one = received(tmp_path)
    store.land(path, one)
    receipt = store.original(one.sha256).with_name("receipt.json")
    text = receipt.read_text(encoding="utf-8")
    older = "\n".join(line for line in text.splitlines() if '"nth"' not in line)
    receipt.write_text(older.replace('"name"', '"name"'), encoding="utf-8")
    assert store.deliveries() == [one]


def test_bytes_other_than_those_described_are_not_landed(
    store: LandingStore, tmp_path: Path
) -> None:
    path, one = received(tmp_path)
    path.write_bytes(b"grown while it was read")
    with pytest.raises(LandingFailed, match="changed while it was being read"):
        store.land(path, one)
    assert bytes_under(store.folder) == {}


def test_two_files_of_one_short_identity_are_never_mixed(
    store: LandingStore, tmp_path: Path
) -> None:
    path, one = received(tmp_path)
    twin = store.folder / one.sha256[:2] / (one.sha256[:12] + "f" * 52)
    twin.mkdir(parents=True)
    (twin / "receipt.json").write_text('{"deliveries": []}', encoding="utf-8")
    with pytest.raises(LandingFailed, match="short identity"):
        store.land(path, one)


@pytest.mark.parametrize("by", ["sha", "prefix", "name", "received_as"])
def test_a_file_is_found_by_what_a_person_knows_of_it(
    store: LandingStore, tmp_path: Path, by: str
) -> None:
    path, one = received(tmp_path)
    store.land(path, one)
    words = {
        "sha": one.sha256,
        "prefix": one.sha256[:7],
        "name": one.name,
        "received_as": one.received_as,
    }
    assert store.find(words[by]) == [one]
    assert store.find("nothing like it") == []


def test_files_given_together_keep_their_order() -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    later = datetime(2026, 3, 2, 9, 0, 0, 1, tzinfo=UTC)
    order = [landed_now(now, at) for at in (0, 1, 2, 10, 999_999)]
    assert sorted(order) == order
    assert order[-1] < landed_now(later, 0)


# ------------------------------------------------------------------------- supplies


def test_the_latest_release_of_each_slice_is_active() -> None:
    first = delivery(sha256="1" * 64, release_date="2024-02-01")
    second = delivery(sha256="2" * 64, release_date="2024-03-01")
    other = delivery(sha256="3" * 64, scope="bedfordshire", release_date="2023-01-01")
    supplies = Supplies([second, other, first])
    assert supplies.months == ["2024-01"]
    assert supplies.active("2024-01") == [other, second]  # by scope
    assert supplies.active_by_month() == {"2024-01": [other, second]}
    assert supplies.superseded("2024-01") == [(first, second)]
    assert not supplies.is_active(first, "2024-01")
    assert supplies.active("2024-02") == []


def test_on_one_release_date_the_file_landed_last_is_active() -> None:
    first = delivery(sha256="1" * 64, landed_at="2024-03-01T09#000001")
    second = delivery(sha256="2" * 64, landed_at="2024-03-01T09#000002")
    assert Supplies([second, first]).active("2024-01") == [second]


def test_a_wide_file_may_be_active_for_some_of_its_months() -> None:
    first = delivery(sha256="1" * 64, months=("2024-01", "2024-02"))
    second = delivery(sha256="2" * 64, months=("2024-02",), release_date="2024-04-01")
    supplies = Supplies([first, second])
    assert supplies.is_active(first, "2024-01")
    assert not supplies.is_active(first, "2024-02")
    assert supplies.superseded("2024-01") == []
