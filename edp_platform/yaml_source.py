"""YAML as people wrote it: the data, and the line each value stands on.

Governance errors name file and line, so every register, DPIA and contract is read
through here. Lines are found only when an error needs one: composing the node tree
costs three times the load.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml


class UnreadableYaml(ValueError):
    """The file is missing, is not UTF-8, is not YAML, or is not one mapping."""


class _UniqueKeyLoader(yaml.CSafeLoader):
    """A safe loader that refuses a key given twice (YAML would keep the last)."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, Hashable):
                raise yaml.MarkedYAMLError(
                    problem="a name is a list or a mapping, not a word",
                    problem_mark=key_node.start_mark,
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
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
    """Read one YAML mapping.

    Raises:
        UnreadableYaml: with file, line where known, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnreadableYaml(
            f"{path} is missing: write it, or remove what names it."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableYaml(f"{path} cannot be read as UTF-8 text: {error}") from error
    try:
        data = yaml.load(text, Loader=_UniqueKeyLoader)  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableYaml(
            f"{path}:{line}: not valid YAML: {error.problem}."
        ) from error
    except yaml.YAMLError as error:
        # A control character; the library knows no line for it.
        raise UnreadableYaml(f"{path}:1: not valid YAML: {error}.") from error
    if not isinstance(data, dict):
        raise UnreadableYaml(f"{path}:1: expected a mapping of names to values.")
    return YamlDocument(path, data, text)
