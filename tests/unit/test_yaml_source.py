"""YAML as people wrote it: one meaning for each key, and the line it stands on."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edp_platform.yaml_source import UnreadableYaml, load_yaml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "record.yaml"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a: 2018-01-01", "2018-01-01"),
        ("a: 2018-01", "2018-01"),
        ("a: on", "on"),
        ("a: yes", "yes"),
        ("a: No", "No"),
        ("a: true", True),
        ("a: False", False),
        ("a: '2'", "2"),
        ("a: 2", 2),
        ("a: 0.5", 0.5),
        ("a: null", None),
        ("a:", None),
        ("a: +365d", "+365d"),
        ("\ufeffa: 1", 1),
    ],
)
def test_dates_and_words_stay_text(file: Path, written: str, read: Any) -> None:
    file.write_text(written, encoding="utf-8")
    assert load_yaml(file).data == {"a": read}


@pytest.mark.parametrize(
    ("written", "line", "reason"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3, "'a' is given twice"),
        (b"a:\n  - x: 1\n    x: 2\n", 3, "'x' is given twice"),
        (b"on: 1\non: 2\n", 2, "given twice"),
        (b"? [a]\n: 1\n", 1, "a list or a mapping"),
        (b"a: [1\n", 2, "not valid YAML"),
        (b"a: 1\n---\nb: 2\n", 2, "another document"),
        (b"a: !!python/object:os.system x\n", 1, "tag"),
        (b"a: \x07\n", 1, "control characters"),
        (b"a: 1\nb: !!str 2\n", 2, "tag"),
        (b"a: 1\nb: &here 2\n", 2, "Write the words out"),
        (b"a: &here 2\nb: *here\n", 1, "Write the words out"),
        (b"a:\n  <<: {b: 1}\n", 2, "Write the words out"),
        (b"a: 0x_\n", 1, "not valid YAML"),
        (b"a: " + b"1" * 5000, 1, "not valid YAML"),
        (b"a: 1\nb: " + b"[" * 50 + b"]" * 50, 2, "nested"),
        (b"a: 1\nb: " + b"[" * 100_000 + b"]" * 100_000, 2, "nested"),
        (b"- " * 100_000, 1, "nested"),
        ("a: é".encode("utf-16"), 1, "UTF-8"),
        (b"a: 1\nb: \xe9\n", 2, "UTF-8"),
        (b"- 1\n", 1, "a mapping"),
        (b"just words\n", 1, "a mapping"),
        (b"", 1, "a mapping"),
    ],
)
def test_what_has_no_one_meaning_is_refused_with_its_line(
    file: Path, written: bytes, line: int, reason: str
) -> None:
    file.write_bytes(written)
    with pytest.raises(UnreadableYaml) as caught:
        load_yaml(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert reason in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableYaml, match="is missing"):
        load_yaml(file)
    with pytest.raises(UnreadableYaml, match=":1: a folder") as caught:
        load_yaml(tmp_path)
    assert "Errno" not in str(caught.value)
    os.mkfifo(file)
    with pytest.raises(UnreadableYaml, match="or a device"):
        load_yaml(file)


def test_a_name_that_holds_no_names_is_told_with_its_line(file: Path) -> None:
    file.write_text("a: {b: 1}\nc:\nd: 5\n", encoding="utf-8")
    document = load_yaml(file)
    assert document.mapping("a") == {"b": 1}
    assert document.mapping("c") == document.mapping("none") == {}
    with pytest.raises(UnreadableYaml, match=f"{file}:3: `d` holds no names"):
        document.mapping("d")


def test_what_looks_like_an_alias_in_words_is_none(file: Path) -> None:
    file.write_text('a: R&D * 2 << 3!\nb: "&x"\nc: "*x"\nd: "<<"\n', encoding="utf-8")
    assert load_yaml(file).data == {
        "a": "R&D * 2 << 3!",
        "b": "&x",
        "c": "*x",
        "d": "<<",
    }


def test_a_few_bytes_of_aliases_are_refused_before_they_become_many(file: Path) -> None:
    """The billion laughs: 350 bytes that stand for more than a memory holds."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in pairwise("abcdefghij"):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    file.write_text("\n".join([*lines, "dpia: *j"]), encoding="utf-8")
    with pytest.raises(UnreadableYaml, match=f"{file}:1: an anchor"):
        load_yaml(file)


def test_a_record_has_a_size_and_a_depth_that_people_can_read(file: Path) -> None:
    deep = "[" * 49 + "1" + "]" * 49
    file.write_text(f"a: {deep}\n", encoding="utf-8")
    assert load_yaml(file).blanks() == []
    file.write_text(f"a: {'x' * 1_900_000}\n", encoding="utf-8")
    assert load_yaml(file).line(["a"]) == 1
    file.write_text(f"a: {'x' * 2_000_000}\n", encoding="utf-8")
    with pytest.raises(UnreadableYaml, match=":1: larger than 2 MB"):
        load_yaml(file)


DOCUMENT = """\
id: one
team:
  members:
    - username: a
    - {username: b, role: owner}
review:
  due:
empty: ""
listed: [1, 2]
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["id"], 1),
        (["team"], 2),
        (["team", "members"], 3),
        (["team", "members", 1], 5),
        (["team", "members", 1, "role"], 5),
        (["team", "members", 7], 3),
        (["team", "members", 0, "no such"], 4),
        (["review", "due"], 7),
        (["no such"], 1),
        ([], 1),
    ],
)
def test_a_value_or_its_nearest_parent_has_a_line(
    file: Path, keys: list[str | int], line: int
) -> None:
    file.write_text(DOCUMENT, encoding="utf-8")
    assert load_yaml(file).line(keys) == line


def test_only_a_value_left_unwritten_is_blank(file: Path) -> None:
    """`supplier:` is an open question; `supplier: null` and `""` are answers."""
    file.write_text('a:\nb: null\nc: ""\nd: ~\ne:\n  - f:\n  -\n', encoding="utf-8")
    assert load_yaml(file).blanks() == [(["a"], 1), (["e", 0, "f"], 6), (["e", 1], 7)]
