"""Changing one value of a record's file, and leaving every comment where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from edp_platform.files import replacing
from edp_platform.yaml_source import load_yaml


class NotEditable(ValueError):
    """The value cannot be changed in place; the message says where."""


def replace_value(text: str, keys: Sequence[str | int], value: str) -> str:
    """Return a YAML text with the scalar at `keys` replaced.

    Args:
        text: a YAML mapping.
        keys: where the scalar stands.
        value: what to write, as YAML.

    Raises:
        NotEditable: nothing stands there, or something other than a scalar.
    """
    node = _node(text, keys)
    if not isinstance(node, yaml.ScalarNode):
        raise NotEditable(f"{_place(keys)} is not a single value")
    return text[: node.start_mark.index] + value + text[node.end_mark.index :]


def add_value(text: str, keys: Sequence[str | int], name: str, value: str) -> str:
    """Return a YAML text with `name: value` added to the mapping at `keys`.

    A name that is there is replaced, whatever stood under it.

    Raises:
        NotEditable: no mapping stands there.
    """
    node = _node(text, keys)
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise NotEditable(f"{_place(keys)} is not a mapping")
    for key_node, value_node in node.value:
        if key_node.value == name:
            start, end = value_node.start_mark.index, value_node.end_mark.index
            if isinstance(value_node, yaml.ScalarNode) or value_node.flow_style:
                return f"{text[:start]}{value}{text[end:]}"
            ended = text[:end].rstrip()
            return f"{text[: key_node.end_mark.index]}: {value}{text[len(ended) :]}"
    if node.flow_style:
        end = node.end_mark.index - 1
        return f"{text[:end].rstrip()}, {name}: {value}{text[end:]}"
    indent = " " * node.value[0][0].start_mark.column
    # The mapping's last mark stands behind the blank lines and comments that follow it.
    last = node.value[-1][1].end_mark.index
    ended = text[:last].rstrip()
    line_end = text.find("\n", len(ended))
    line_end = len(text) if line_end < 0 else line_end
    return f"{text[:line_end]}\n{indent}{name}: {value}{text[line_end:]}"


def write_checked(path: Path, text: str) -> None:
    """Write a record's file, if it is still one YAML mapping.

    Raises:
        NotEditable: it is not, and nothing was written.
        WriteFailed: the file cannot be written.
    """
    try:
        yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise NotEditable(f"{path} would no longer be YAML: {error}") from error
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    load_yaml(path)


def _node(text: str, keys: Sequence[str | int]) -> yaml.Node | None:
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    for key in keys:
        child = None
        if isinstance(node, yaml.MappingNode):
            child = next(
                (value for name, value in node.value if name.value == str(key)), None
            )
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            child = node.value[key] if key < len(node.value) else None
        if child is None:
            raise NotEditable(f"nothing stands at {_place(keys)}")
        node = child
    return node


def _place(keys: Sequence[str | int]) -> str:
    return ".".join(map(str, keys)) or "the file"
