"""YAML as people wrote it: one meaning for each key, and the line it stands on."""

from __future__ import annotations

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
    file.write_bytes(b"a: \xe9\n")
    with pytest.raises(UnreadableYaml, match="UTF-8"):
        load_yaml(file)
    with pytest.raises(UnreadableYaml, match="cannot be read"):
        load_yaml(tmp_path)


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
