"""YAML as people wrote it: the data, and the line each value stands on.

Governance errors name file and line, so every register, DPIA and contract is read
through here. A record says each thing once, outright and where it counts: what people
sign is what they read. Lines are found only when an error needs one: composing the node
tree costs three times the load.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

#: No record of ours nests deeper than ten or is larger than 60 kB. What lies far beyond
#: is no record, and would keep every command busy or end it.
_DEEPEST = 50
_LARGEST = 2_000_000


class UnreadableYaml(ValueError):
    """The file is missing, is not UTF-8, is not YAML, or is not one plain mapping."""


class _NotPlain(yaml.MarkedYAMLError):
    """It is YAML, and says in a roundabout way what a record says outright."""


_ELSEWHERE = (
    "an anchor, alias or merge (`&name`, `*name`, `<<`) stands for words written "
    "elsewhere, so nobody can read here what is signed. Write the words out"
)


class _UniqueKeyLoader(yaml.CSafeLoader):
    """A safe loader that refuses a key given twice (YAML would keep the last)."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise _NotPlain(problem=_ELSEWHERE, problem_mark=key_node.start_mark)
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, Hashable):
                raise _NotPlain(
                    problem="a name is a list or a mapping, not a word",
                    problem_mark=key_node.start_mark,
                )
            if key in seen:
                raise _NotPlain(
                    problem=f"the key {key!r} is given twice",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML turns an unquoted 2018-01-01 into a date and leaves 2018-01 a string. Registers
# compare months and dates as ISO text, so both stay text.
# YAML 1.1 also reads the bare words on, off, yes and no as true or false, and every
# signature has an `on:`; only true and false are booleans here.
_UniqueKeyLoader.yaml_implicit_resolvers = {
    first: [
        (tag, regex)
        for tag, regex in resolvers
        if not tag.endswith(":timestamp")
        and not (tag.endswith(":bool") and first not in "tTfF")
    ]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class YamlDocument:
    """One YAML mapping and where it came from."""

    path: Path
    data: dict[str, Any]
    text: str

    @cached_property
    def _root(self) -> yaml.Node | None:
        return yaml.compose(self.text, Loader=yaml.CSafeLoader)

    def mapping(self, name: str) -> dict[str, Any]:
        """Return the mapping under one name; empty where nothing is written.

        Raises:
            UnreadableYaml: something else stands there.
        """
        found = self.data.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise UnreadableYaml(
                f"{self.path}:{self.line([name])}: `{name}` holds no names and values: "
                "write its fields below it."
            )
        return found

    def blanks(self) -> list[tuple[list[str | int], int]]:
        """Return (keys, 1-based line) of each value left unwritten, by line.

        `supplier:` is a question nobody answered; `supplier: null` is an answer.
        """
        return sorted(_blanks(self._root, []), key=lambda found: found[1])

    def line(self, keys: Sequence[str | int]) -> int:
        """Return the 1-based line of the value at `keys`, or of its nearest parent."""
        node = self._root
        line = 1
        for key in keys:
            child = None
            if isinstance(node, yaml.MappingNode):
                for key_node, value_node in node.value:
                    if key_node.value == str(key):
                        line, child = key_node.start_mark.line + 1, value_node
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                child = node.value[key] if key < len(node.value) else None
                line = child.start_mark.line + 1 if child is not None else line
            if child is None:
                return line
            node = child
        return line


def _blanks(
    node: yaml.Node | None, keys: list[str | int]
) -> Iterator[tuple[list[str | int], int]]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            here = [*keys, str(key_node.value)]
            if _is_blank(value_node):
                yield here, key_node.start_mark.line + 1
            else:
                yield from _blanks(value_node, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            if _is_blank(child):
                yield [*keys, index], child.start_mark.line + 1
            else:
                yield from _blanks(child, [*keys, index])


def _is_blank(node: yaml.Node) -> bool:
    # A quoted empty text is tagged as text, and stays for the record's own rules.
    return (
        isinstance(node, yaml.ScalarNode)
        and node.value == ""
        and node.tag == "tag:yaml.org,2002:null"
    )


def load_yaml(path: Path) -> YamlDocument:
    """Read one YAML mapping, each value of which is written where it counts.

    Raises:
        UnreadableYaml: with file, line where known, and what to do: missing, too large,
            not UTF-8, not YAML, a key given twice, an anchor, alias, merge or tag, or
            nested too deep.
    """
    text = _text(path)
    try:
        _require_plain(text)
        data = yaml.load(text, Loader=_UniqueKeyLoader)  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        kind = "" if isinstance(error, _NotPlain) else "not valid YAML: "
        raise UnreadableYaml(f"{path}:{line}: {kind}{error.problem}.") from error
    except (yaml.YAMLError, ValueError) as error:
        # A control character, or a number that is none; the library knows no line.
        raise UnreadableYaml(f"{path}:1: not valid YAML: {error}.") from error
    if not isinstance(data, dict):
        raise UnreadableYaml(f"{path}:1: expected a mapping of names to values.")
    return YamlDocument(path, data, text)


def _text(path: Path) -> str:
    try:
        # Before it is opened: a pipe would be waited for, a folder cannot be read.
        if path.exists() and not path.is_file():
            raise UnreadableYaml(
                f"{path}:1: a folder or a device, not a file: write the file in its "
                "place, or remove what names it."
            )
        if path.stat().st_size > _LARGEST:
            raise UnreadableYaml(
                f"{path}:1: larger than {_LARGEST // 1_000_000} MB: that is no record. "
                "Put the right file in its place."
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnreadableYaml(
            f"{path}:1: the file is missing: write it, or remove what names it."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UnreadableYaml(
            f"{path}:{line}: not UTF-8 text: save the file again as UTF-8."
        ) from error
    except OSError as error:
        raise UnreadableYaml(
            f"{path}:1: cannot be read ({error.strerror}): have its permissions mended."
        ) from error


def _require_plain(text: str) -> None:
    """Refuse what makes one word stand for many, or a nesting nobody can follow.

    Asked of the parser's events, before anything is built of them: a few hundred bytes
    of aliases stand for more than a memory holds, and building goes one call deeper
    with each level.
    """
    depth = 0
    event: Any  # the stubs know no anchor, no tag, and two kinds of mark
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if getattr(event, "anchor", None):
            raise _NotPlain(problem=_ELSEWHERE, problem_mark=event.start_mark)
        if getattr(event, "tag", None):
            raise _NotPlain(
                problem=f"the tag {event.tag} changes what a value means. Leave it out",
                problem_mark=event.start_mark,
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise _NotPlain(
                problem=f"nested more than {_DEEPEST} deep: that is no record. Write "
                "its fields as the template shows them",
                problem_mark=event.start_mark,
            )
