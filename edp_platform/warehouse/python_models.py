"""Marts that SQL cannot make: dbt models in Python, and what they must say of themselves.

No SQL shows what Python makes of data, so its YAML does: of which columns each column is
made (`made_of`), and what decides which rows there are (`rows`). What is said is judged
like the lineage of SQL. What is written is held to it: the columns of the YAML, in its
types, and no others.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edp_platform.governance.column_lineage import Relation, Traced
from edp_platform.governance.product_lineage import DeclaredLineage, read_declaration

if TYPE_CHECKING:
    import duckdb
    import polars as pl

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
_NAME = r"[a-z_][a-z0-9_]*"
_ASKED = {
    "project": re.compile(
        rf"\s*{_NAME}( as {_NAME})?(\s*,\s*{_NAME}( as {_NAME})?)*\s*"
    ),
    "filter": re.compile(rf"{_NAME} (=|<>) '[^']*'"),
    "limit": re.compile(r"\d+"),
}
#: Types that a column may have: the text stands in the SQL that writes it.
_TYPE = re.compile(
    r"(varchar|date|timestamp|timestamptz|boolean|tinyint|smallint|integer|bigint|float"
    r"|double|decimal\(\d+, ?\d+\))(\[\])?"
)
_PACKAGE = Path(__file__).parents[1]
_FAILED = "Python model failed"
#: Lines of a traceback as dbt indents it: a place, and the error's own.
_FRAME = re.compile(r'^ +File "')
_ERROR = re.compile(r"^ {0,2}[A-Za-z_][\w.]*(:|$)")
_PACKAGE = Path(__file__).parents[1]


#: Models of the build under way whose own table the same code made.
_standing: frozenset[str] = frozenset()


class ColumnsDiffer(ValueError):
    """A model in Python made other columns than its YAML declares; nothing was written."""


def is_python(node: Mapping[str, Any]) -> bool:
    """Whether a node of the manifest is a model in Python."""
    return node.get("language") == "python"


def code_read(node: Mapping[str, Any]) -> str:
    """Return a digest of the code that a model in Python says it is made by.

    Its own text is a few lines; the method stands in the package, in the files and
    folders that its `meta.code` names, such as `analysis/signals`.

    Raises:
        FileNotFoundError: it names a file that is not there.
    """
    digest = hashlib.sha256()
    for one in _meta(node).get("code") or []:
        place = _PACKAGE / one
        for path in sorted(_files(place)) if place.is_dir() else [place]:
            digest.update(str(path.relative_to(_PACKAGE)).encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    """Yield the code and the YAML of a folder."""
    for suffix in (".py", ".yaml"):
        yield from folder.rglob(f"*{suffix}")


def declared(node: Mapping[str, Any]) -> tuple[Traced, tuple[str, ...]]:
    """Return the lineage that a model in Python declares, and what is wrong with it.

    Args:
        node: of the manifest.

    Returns:
        the lineage, without columns where it cannot be read; and the faults, in words.
    """
    faults = [*_faults_of_code(node["raw_code"])]
    columns: dict[str, Any] = {}
    for name, column in node["columns"].items():
        meta = column.get("meta") or {}
        if "made_of" not in meta:
            faults.append(f"its column {name} does not say `made_of`")
        columns[name.lower()] = {"made_of": meta.get("made_of") or []}
        if not _TYPE.fullmatch(column.get("data_type") or ""):
            faults.append(f"its column {name} has no `data_type` that is known here")
        if not re.fullmatch(_NAME, name):
            faults.append(f"its column {name} is no plain name")
    try:
        stated = read_declaration(
            {"columns": columns, "rows": _meta(node).get("rows") or []}
        )
    except ValueError as error:
        return DeclaredLineage().traced(), (*faults, str(error))
    faults += [f"{text} is not schema.table.column" for text in _unnamed(stated)]
    try:
        code_read(node)
    except FileNotFoundError as error:
        faults.append(f"its `code` names {error.filename}, which is not there")
    return stated.traced(), tuple(faults)


@contextmanager
def standing(names: Collection[str]) -> Iterator[None]:
    """Let these models take over from their own table while a build lasts.

    One build at a time writes a warehouse, in whatever threads dbt takes.

    Args:
        names: of models whose table was made by the code that makes them now.
    """
    global _standing
    _standing = frozenset(names)
    try:
        yield
    finally:
        _standing = frozenset()


def previous(session: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame | None:
    """Return a model's own table as it stands; None where other code made it.

    The one thing that a model in Python may ask `session` for: what it made before.

    Args:
        session: dbt's.
        name: of the model itself.
    """
    if name not in _standing:
        return None
    return session.table(f"marts.{name}").pl()


def declared_only(given: Any, columns: Mapping[str, Sequence[str]]) -> Any:
    """Return dbt's own `dbt` of a model, which hands over declared columns alone.

    A mart is handed over whole: the gate let each of its columns through. Of anything
    beneath the marts, what the YAML does not name cannot be read, and so not be told.

    Args:
        given: the class that dbt writes beside the model.
        columns: relation that is no mart → the columns of it that the YAML names under
            `made_of` and `rows`. One that names none does not get as far as this.
    """

    class DeclaredOnly(given):
        def __init__(self, load: Any) -> None:
            super().__init__(load)
            whole: Any = self.ref

            def ref(name: str) -> Any:
                if name not in columns:
                    return whole(name)
                named = dict.fromkeys(columns[name])
                return whole(name).project(", ".join(f'"{one}"' for one in named))

            self.ref: Any = ref

    return DeclaredOnly


def not_there(
    traced: Traced, known: Mapping[Relation, frozenset[str]]
) -> Iterator[str]:
    """Yield what a model in Python says that it is made of, and that there is not."""
    steps = [traced.rows, *(column.direct for column in traced.columns.values())]
    for key in sorted({key for each in steps for key in each}):
        if key[2] not in known.get(key[:2], frozenset()):
            yield f"it says it is made of {'.'.join(key)}, and there is no such column"


def write(
    frame: Any,
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Mapping[str, str],
) -> None:
    """Write what a model in Python made as a table, in the declared columns and types.

    Args:
        frame: anything DuckDB reads: a polars frame, an Arrow table, a relation.
        connection: to the warehouse.
        relation: the table to make.
        columns: name → type, as the YAML declares.

    Raises:
        ColumnsDiffer: it has other columns.
        duckdb.Error: a value is not of its type.
    """
    made = [str(name) for name in frame.columns]
    if sorted(made) != sorted(columns):
        extra = sorted(set(made) - set(columns))
        missing = sorted(set(columns) - set(made))
        raise ColumnsDiffer(
            f"{relation} was not written: it made "
            + "; ".join(
                f"{word} {', '.join(names)}"
                for word, names in (("also", extra), ("not", missing))
                if names
            )
            + ". A column that nobody declared is judged by nobody. Declare it in the "
            "model's YAML, with made_of, or do not make it."
        )
    name = "made_in_python"
    connection.register(name, frame)
    try:
        listed = ", ".join(
            f'cast("{one}" as {kind}) as "{one}"' for one, kind in columns.items()
        )
        connection.execute(f"create table {relation} as select {listed} from {name}")
    finally:
        connection.unregister(name)


def without_values(message: str) -> str:
    """Return what dbt says of a failed model without what its error may quote of a row.

    A traceback of Python ends in the error's own words, which polars fills with values.
    Kept are the last place in the package, and the kind of error; our own errors hold
    names and counts only and are kept whole.
    """
    if _FAILED not in message:
        return message
    lines = message.splitlines()
    frames = [at for at, line in enumerate(lines) if _FRAME.match(line)]
    after = lines[frames[-1] + 1 :] if frames else []
    error = next((one.strip() for one in after if _ERROR.match(one)), "an error")
    kind = error.partition(":")[0]
    ours = [lines[at].partition("/edp_platform/")[2] for at in frames]
    where = [one for one in ours if one][-1:]
    told = error if kind.startswith("edp_platform.") else kind
    places = "".join(f" (edp_platform/{one})" for one in where).replace('"', "")
    return f"{_FAILED}: {told}{places}"


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = node["config"].get("meta") or {}
    return found


def _unnamed(stated: DeclaredLineage) -> list[str]:
    texts = [*stated.rows, *(one for c in stated.columns.values() for one in c.made_of)]
    return [text for text in texts if len(text.split(".")) != 3]


def _faults_of_code(code: str) -> Iterator[str]:
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
