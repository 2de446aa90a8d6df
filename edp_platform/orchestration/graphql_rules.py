"""What a GraphQL document asks for, and which of it a level of the UI may ask.

Read off the parsed document, never its name: every operation in it, through aliases,
fragments and inline fragments. An allow-list, so that a mutation that a later Dagster
adds is the administrators' until somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    value_from_ast_untyped,
)

from edp_platform.governance.records.sign_in import Level

#: Start work, and change nothing that is there.
_LAUNCHING = frozenset(
    {
        "launchPipelineExecution",
        "launchRun",
        "launchMultipleRuns",
        "launchPipelineReexecution",
        "launchRunReexecution",
        "launchPartitionBackfill",
    }
)
#: Stop work, and the argument that says which: one's own only.
_STOPPING = {
    "terminatePipelineExecution": "runId",
    "terminateRun": "runId",
    "terminateRuns": "runIds",
    "cancelPartitionBackfill": "backfillId",
}
_MOST_TOKENS = 30_000


class NotAllowedHere(Exception):
    """The document asks for what this level may not ask, or is none."""


#: Whether work (a run or a backfill, by id) was started by the person who asks.
IsOwn = Callable[[str], bool]


def require_request(
    query: str, variables: Mapping[str, Any] | None, level: Level, is_own: IsOwn
) -> tuple[str, ...]:
    """Pass a document of queries and mutations, or refuse it.

    Returns:
        the mutations in it.

    Raises:
        NotAllowedHere: see above.
    """
    operations, fragments = _read(query)
    found = []
    for operation in operations:
        if operation.operation is OperationType.SUBSCRIPTION:
            raise NotAllowedHere("A subscription is asked for over a websocket.")
        if operation.operation is OperationType.MUTATION:
            fields = list(_fields(operation.selection_set, fragments, frozenset()))
            for field in fields:
                _require_field(field, variables or {}, level, is_own)
            found += [field.name.value for field in fields]
    return tuple(found)


def require_subscription(query: str) -> None:
    """Pass a document of nothing but subscriptions: a websocket carries no other.

    Raises:
        NotAllowedHere: see above.
    """
    operations, _ = _read(query)
    if any(one.operation is not OperationType.SUBSCRIPTION for one in operations):
        raise NotAllowedHere(
            "A websocket carries subscriptions only; post queries and mutations."
        )


def _read(
    query: str,
) -> tuple[list[OperationDefinitionNode], dict[str, FragmentDefinitionNode]]:
    try:
        document: DocumentNode = parse(query, no_location=True, max_tokens=_MOST_TOKENS)
    except (GraphQLError, RecursionError) as error:
        raise NotAllowedHere("This is no GraphQL document that we can read.") from error
    operations = []
    fragments = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            operations.append(node)
        elif isinstance(node, FragmentDefinitionNode):
            fragments[node.name.value] = node
        else:
            raise NotAllowedHere("Only operations and fragments are executed.")
    if not operations:
        raise NotAllowedHere("There is no operation in this document.")
    return operations, fragments


def _fields(
    selected: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    seen: frozenset[str],
) -> Iterator[FieldNode]:
    """Go through the fields that an operation selects at its root."""
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in seen or name not in fragments:
                raise NotAllowedHere(
                    f"There is no fragment {name}, or it holds itself."
                )
            yield from _fields(fragments[name].selection_set, fragments, seen | {name})


def _require_field(
    field: FieldNode, variables: Mapping[str, Any], level: Level, is_own: IsOwn
) -> None:
    name = field.name.value
    if level == "admin" or name == "__typename":
        return
    if level == "launcher" and name in _LAUNCHING:
        return
    if level == "launcher" and name in _STOPPING:
        ids = _ids(field, _STOPPING[name], variables)
        if ids and all(is_own(one) for one in ids):
            return
        raise NotAllowedHere("A launcher stops what they started themselves, no other.")
    raise NotAllowedHere(f"{name} is not for a {level} of this platform.")


def _ids(field: FieldNode, argument: str, variables: Mapping[str, Any]) -> list[str]:
    """Return the ids that an argument holds; none where one of them is no text."""
    given = [one for one in field.arguments if one.name.value == argument]
    if len(given) != 1:
        return []
    value = value_from_ast_untyped(given[0].value, cast(dict[str, Any], variables))
    ids = value if isinstance(value, list) else [value]
    return ids if all(isinstance(one, str) for one in ids) else []
