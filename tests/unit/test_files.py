"""Replacing a file: the old one or the new one, never a half, and a clear error."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import polars as pl
import pytest

from edp_platform.files import WriteFailed, read_json, replacing, write_json


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.name.endswith(".tmp"))


def test_a_file_is_put_in_place_and_its_folder_made(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file.txt"
    with replacing(target) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert not target.exists()
        assert temporary.parent == target.parent  # or the rename would copy
        assert not temporary.match("*.txt")
    assert target.read_text(encoding="utf-8") == "new"
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Quota exceeded"),
        pl.exceptions.ComputeError("underlying IO error: No space (os error 28)"),
    ],
)
def test_a_full_disk_is_told_as_one_whoever_meets_it(
    tmp_path: Path, error: Exception
) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old", encoding="utf-8")
    with (
        pytest.raises(WriteFailed, match="No space left to write") as caught,
        replacing(target) as temporary,
    ):
        temporary.write_text("ha", encoding="utf-8")
        raise error
    assert caught.value.errno in (errno.ENOSPC, errno.EDQUOT)
    assert "Free some space" in str(caught.value)
    assert target.read_text(encoding="utf-8") == "old"
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("error", [ValueError("a fault of ours"), KeyboardInterrupt()])
def test_any_other_error_is_passed_on_and_the_old_file_stands(
    tmp_path: Path, error: BaseException
) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(type(error)), replacing(target) as temporary:
        temporary.write_text("ha", encoding="utf-8")
        raise error
    assert target.read_text(encoding="utf-8") == "old"
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("blocked", ["room", "room/deeper", "target"])
def test_a_place_that_cannot_be_written_is_a_write_failed(
    tmp_path: Path, blocked: str
) -> None:
    """A file where a folder should be: also the removal of the half meets an error."""
    target = tmp_path / "room" / "deeper" / "file.json"
    if blocked == "target":
        target.mkdir(parents=True)
    else:
        place = tmp_path / blocked
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")
    with pytest.raises(WriteFailed, match="could not be written"):
        write_json(target, {})
    assert left_over(tmp_path) == []


def test_json_is_sorted_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    write_json(path, {"b": 1, "a": "é"})
    assert path.read_text(encoding="utf-8") == '{\n "a": "é",\n "b": 1\n}\n'
    assert read_json(path) == {"a": "é", "b": 1}


def test_json_that_is_not_there_is_the_default_and_a_damaged_one_an_error(
    tmp_path: Path,
) -> None:
    assert read_json(tmp_path / "none.json", {"deliveries": []}) == {"deliveries": []}
    (tmp_path / "half.json").write_bytes(b'{"a": ')
    with pytest.raises(json.JSONDecodeError):
        read_json(tmp_path / "half.json")
