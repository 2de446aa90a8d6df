"""The one form that the code of a model in Python may have: marts handed to a method.

Read off its syntax before anything runs. What is written otherwise could read what no
gate was asked for, however its lineage is declared.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

#: The methods stand here, where they are tested; a model only hands marts to them.
_METHODS = "edp_platform.analysis."
#: The one room of methods that reads the lake itself, for its own assets.
_NOT_FROM = "edp_platform.analysis.linkage"
#: What else a model may import, word for word.
_ALSO = {
    ("datetime", "date"),
    ("edp_platform.warehouse.python_models", "previous"),
}
#: What may be asked of a mart, and in which form: columns by name, one value, a number.
NAME = r"[a-z_][a-z0-9_]*"
_ASKED = {
    "project": re.compile(rf"\s*{NAME}( as {NAME})?(\s*,\s*{NAME}( as {NAME})?)*\s*"),
    "filter": re.compile(rf"{NAME} (=|<>) '[^']*'"),
    "limit": re.compile(r"\d+"),
}
_PACKAGE = Path(__file__).parents[1]


def form_faults(code: str) -> Iterator[str]:
    """Yield what the code of a model does beside handing marts to a method.

    An allowed form, not a list of what is forbidden: what is not known here is refused.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        yield f"line {error.lineno} is not Python"
        return
    known: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                kind = _imported(node.module or "", one.name)
                if kind is None or one.asname:
                    yield f"line {node.lineno} imports {one.name} from {node.module}"
                else:
                    known[one.name] = kind
        elif isinstance(node, ast.FunctionDef) and node.name == "model":
            yield from _faults_of_function(node, known)
        elif not _is_text(node):
            yield f"line {node.lineno} stands outside `def model(dbt, session)`"


def _imported(module: str, name: str) -> str | None:
    """Return what kind of thing an import gives a model; None where it may not.

    A method is defined in the file that it is imported from: what that file imports
    itself, such as something that opens files, is none.
    """
    if (module, name) in _ALSO:
        return "previous" if name == "previous" else "date"
    if f"{module}.".startswith(f"{_NOT_FROM}.") or not f"{module}.".startswith(
        _METHODS
    ):
        return None
    place = _PACKAGE.parent / Path(*module.split("."))
    if place.is_dir():
        return "module" if (place / f"{name}.py").exists() else None
    try:
        tree = ast.parse(place.with_suffix(".py").read_text(encoding="utf-8"))
    except OSError:
        return None
    own = (ast.FunctionDef, ast.ClassDef)
    is_own = any(isinstance(one, own) and one.name == name for one in tree.body)
    return "method" if is_own else None


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _faults_of_function(node: ast.FunctionDef, known: dict[str, str]) -> Iterator[str]:
    given = [one.arg for one in node.args.args]
    others = (node.args.posonlyargs, node.args.kwonlyargs, node.args.defaults)
    if given != ["dbt", "session"] or any(others) or node.decorator_list:
        yield f"line {node.lineno} is not `def model(dbt, session)`"
    for step in node.body:
        value = step.value if isinstance(step, ast.Assign | ast.Return) else None
        names = step.targets if isinstance(step, ast.Assign) else []
        is_plain = all(
            isinstance(one, ast.Name) and one.id not in ("dbt", "session", *known)
            for one in names
        )
        kind = _kind(value, known) if value is not None and is_plain else None
        if kind is None and not _is_text(step):
            yield f"line {step.lineno} does more than hand marts to a method"
            continue
        known |= {one.id: kind or "" for one in names if isinstance(one, ast.Name)}


def _kind(node: ast.expr, known: Mapping[str, str]) -> str | None:
    """Return what an expression is: a mart, a value; None where it is not allowed."""
    if isinstance(node, ast.Constant):
        return "value"
    if isinstance(node, ast.Name):
        kind = known.get(node.id)
        return kind if kind in ("mart", "value") else None
    if isinstance(node, ast.Attribute):
        is_own = not node.attr.startswith("_")
        return "value" if is_own and _kind(node.value, known) == "value" else None
    if isinstance(node, ast.Call):
        return _kind_of_call(node, known)
    return None


def _kind_of_call(node: ast.Call, known: Mapping[str, str]) -> str | None:
    arguments = [*node.args, *(one.value for one in node.keywords)]
    function = node.func
    if isinstance(function, ast.Name) and known.get(function.id) == "previous":
        first = node.args[0] if node.args else None
        is_session = isinstance(first, ast.Name) and first.id == "session"
        is_named = len(node.args) == 2 and isinstance(node.args[1], ast.Constant)
        return "value" if is_session and is_named and not node.keywords else None
    if isinstance(function, ast.Attribute):
        on = function.value
        asked = function.attr
        if isinstance(on, ast.Name) and on.id == "dbt" and asked == "ref":
            is_named = len(arguments) == 1 and isinstance(arguments[0], ast.Constant)
            return "mart" if is_named else None
        if _kind(on, known) == "mart":
            return _kind_of_mart(asked, arguments)
        if isinstance(on, ast.Name) and known.get(on.id) == "date":
            return "value" if asked == "today" and not arguments else None
        of = known.get(on.id) if isinstance(on, ast.Name) else None
        # Of what a method gave, only what needs no arguments: frames write files.
        is_asked = of == "module" or (of == "value" and not arguments)
        if not is_asked or asked.startswith("_"):
            return None
    elif not (isinstance(function, ast.Name) and known.get(function.id) == "method"):
        return None
    is_handed = all(_kind(one, known) is not None for one in arguments)
    return "value" if is_handed else None


def _kind_of_mart(asked: str, arguments: Sequence[ast.expr]) -> str | None:
    """Return what a mart gives, asked for columns by name, one value, or all of it."""
    if asked == "pl":
        return None if arguments else "value"
    form = _ASKED.get(asked)
    only = arguments[0] if len(arguments) == 1 else None
    if form is None or not isinstance(only, ast.Constant):
        return None
    return "mart" if form.fullmatch(str(only.value)) else None
