"""Pairs of nominals and the probability that they are one person, with Splink.

Splink estimates two things for each level of agreement: how often true pairs show it
(m) and how often chance does (u); Fellegi and Sunter (1969). Training runs on one
thread, over ordered rows and with a fixed seed, so that the same nominals give the same
weights; scoring a pair depends on nothing but the pair.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from edp_platform.analysis.linkage.failure import LinkageFailed
from edp_platform.analysis.linkage.model import (
    LEVELS,
    NOT_KNOWN,
    Comparing,
    LinkageModel,
)
from edp_platform.analysis.linkage.nominals import NOMINAL

if TYPE_CHECKING:
    import duckdb
    from splink import Linker

LEFT, RIGHT = f"{NOMINAL}_l", f"{NOMINAL}_r"

_SAME = '"{c}_l" = "{c}_r"'
_ONE_SIGN = 'damerau_levenshtein("{c}_l", "{c}_r") <= 1'
_NEAR = 'jaro_winkler_similarity("{c}_l", "{c}_r") >= '
_FEW_DAYS = (
    'abs(date_diff(\'day\', try_cast("{c}_l" AS DATE), try_cast("{c}_r" AS DATE))) <= 3'
)
_YEAR_OUT = (
    'substr("{c}_l", 6) = substr("{c}_r", 6) '
    'AND abs(try_cast("{c}_year_l" AS INT) - try_cast("{c}_year_r" AS INT)) = 1'
)
_INITIAL = (
    'least(length("{c}_l"), length("{c}_r")) = 1 AND "{c}_initial_l" = "{c}_initial_r"'
)
#: Way of comparing → for each of its `LEVELS` the condition (`{c}` is the column), and
#: start values of m and u. Training replaces them where the data says enough; they
#: stand where it does not.
_CONDITIONS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "name": (
        (_SAME, 0.75, 0.01),
        (f"{_NEAR} 0.92", 0.08, 0.005),
        ('"{c}_family_l" = "{c}_family_r"', 0.03, 0.002),
        ('"{c}_sound_l" = "{c}_sound_r"', 0.04, 0.01),
        (_INITIAL, 0.02, 0.005),
        (f"{_NEAR} 0.8", 0.03, 0.03),
        ("ELSE", 0.05, 0.938),
    ),
    "date": (
        (_SAME, 0.85, 0.0001),
        ('"{c}_unordered_l" = "{c}_unordered_r"', 0.03, 0.0001),
        (_ONE_SIGN, 0.05, 0.002),
        (_FEW_DAYS, 0.02, 0.0002),
        (_YEAR_OUT, 0.02, 0.0001),
        ('"{c}_year_l" = "{c}_year_r"', 0.01, 0.015),
        ("ELSE", 0.02, 0.9825),
    ),
    "postcode": (
        (_SAME, 0.60, 0.0005),
        (_ONE_SIGN, 0.08, 0.001),
        ('"{c}_sector_l" = "{c}_sector_r"', 0.04, 0.002),
        ("ELSE", 0.28, 0.9965),
    ),
    "number": (
        (_SAME, 0.60, 0.00001),
        (_ONE_SIGN, 0.08, 0.00001),
        ("ELSE", 0.32, 0.99998),
    ),
    "identifier": (
        (_SAME, 0.85, 0.00001),
        (_ONE_SIGN, 0.05, 0.0001),
        ("ELSE", 0.10, 0.99989),
    ),
    "category": ((_SAME, 0.97, 0.5), ("ELSE", 0.03, 0.5)),
}
#: No record is so well kept that an agreement or disagreement is rarer than this among
#: true pairs; nor chance so rare among others.
_LEAST_M, _LEAST_U = 0.005, 0.000001


@dataclass(frozen=True)
class Scored:
    """Scored pairs and what they were scored with.

    Attributes:
        pairs: see `pairs_schema`; pairs below the review threshold are left out.
        parameters: m and u of every level, the prior, whether they were trained.
        compared: how many pairs blocking gave to compare.
        model_version: of the declared model and of these parameters.
    """

    pairs: pl.DataFrame
    parameters: dict[str, Any]
    compared: int
    model_version: str


def pairs_schema(model: LinkageModel) -> pl.Schema:
    """Return the columns of scored pairs.

    `pair` is its short name (`decisions.pair_id`); `nominal_id_l` < `nominal_id_r`;
    `match_weight` is log2 of the odds; `band` is "match" or "review"; `doubt` says
    which declared doubts keep a pair from being a match; `agreement_<column>` says how
    far a pair agrees, in words and without values.
    """
    return pl.Schema(
        {
            "pair": pl.String(),
            LEFT: pl.String(),
            RIGHT: pl.String(),
            "match_probability": pl.Float64(),
            "match_weight": pl.Float64(),
            "band": pl.String(),
            "doubt": pl.String(),
            **{f"agreement_{column}": pl.String() for column in model.columns},
            "model_version": pl.String(),
        }
    )


def score(frame: pl.DataFrame, model: LinkageModel) -> Scored:
    """Train the model on the nominals and score every pair that blocking gives.

    Args:
        frame: `nominals.comparable`: one row a nominal.
        model: as declared.

    Raises:
        LinkageFailed: Splink could not train or score.
    """
    if frame.height < 2:
        return _nothing(model)
    import duckdb

    connection = duckdb.connect()
    try:
        # Splink tells a progress bar and every step on standard output's behalf.
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = true")
        connection.register("given", frame.to_arrow())
        connection.execute(
            f"CREATE TABLE nominals AS SELECT * FROM given ORDER BY {NOMINAL}"
        )
        return _scored(connection, frame.height, model)
    except (duckdb.Error, ValueError, ZeroDivisionError) as error:
        # The text of either may hold values of rows; its kind does not.
        raise LinkageFailed(
            f"Splink could not score the nominals ({type(error).__name__}). Nothing was "
            "written. Look at `training` and `blocking` of the linkage model: a rule "
            "that no two nominals meet, or one that nearly all meet, does this."
        ) from None
    finally:
        connection.close()


def _nothing(model: LinkageModel) -> Scored:
    return Scored(
        pl.DataFrame(schema=pairs_schema(model)),
        {"trained": False, "prior": None, "levels": []},
        0,
        _version(model, {}),
    )


def _scored(
    connection: duckdb.DuckDBPyConnection, nominals: int, model: LinkageModel
) -> Scored:
    from splink import block_on

    # Splink tells each step by its loggers, and Dagster's console would repeat them.
    logging.getLogger("splink").setLevel(logging.ERROR)
    connection.execute("SET threads = 1")
    linker = _linker(connection, _settings(connection, nominals, model))
    trained = nominals >= model.training.fewest_nominals
    if trained:
        training = linker.training
        training.estimate_u_using_random_sampling(
            max_pairs=model.training.random_pairs, seed=model.seed
        )
        for rule in model.training.sessions:
            if _pairs_of(connection, [rule]):
                training.estimate_parameters_using_expectation_maximisation(
                    block_on(*rule), fix_u_probabilities=True
                )
    settings = _settled(linker.misc.save_model_to_json())
    parameters = _parameters(settings, trained, model)
    version = _version(model, parameters)
    connection.execute("RESET threads")
    # Scored by the weights that are kept, not by those that were being trained.
    predicted = (
        _linker(connection, settings)
        .inference.predict(threshold_match_probability=model.thresholds.review)
        .physical_name
    )
    pairs = connection.execute(_pairs_sql(predicted, model)).pl()
    compared = _pairs_of(connection, model.blocking)
    pairs = pairs.with_columns(model_version=pl.lit(version)).select(
        list(pairs_schema(model))
    )
    return Scored(pairs, parameters, compared, version)


def _linker(connection: duckdb.DuckDBPyConnection, settings: dict[str, Any]) -> Linker:
    from splink import DuckDBAPI, Linker

    return Linker(
        "nominals",
        settings,
        db_api=DuckDBAPI(connection=connection),
        set_up_basic_logging=False,
        validate_settings=False,
    )


def _settings(
    connection: duckdb.DuckDBPyConnection, nominals: int, model: LinkageModel
) -> dict[str, Any]:
    certain = _pairs_of(connection, model.training.certain)
    possible = nominals * (nominals - 1) / 2
    # At least one: with a prior of nought nothing could ever be a match.
    prior = max(certain, 1) / model.training.recall_of_certain / possible
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": NOMINAL,
        "probability_two_random_records_match": min(prior, 0.5),
        "blocking_rules_to_generate_predictions": [
            _agree(rule) for rule in model.blocking
        ],
        "comparisons": [_comparison(one.column, one.how) for one in model.comparisons],
        "retain_intermediate_calculation_columns": False,
        # Splink keeps the level of each comparison only with its columns; they stay in
        # memory, and `_pairs_sql` leaves the values there.
        "retain_matching_columns": True,
        "max_iterations": 25,
        "em_convergence": 0.0001,
    }


def _comparison(column: str, how: Comparing) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {
            "sql_condition": f'"{column}_l" IS NULL OR "{column}_r" IS NULL',
            "label_for_charts": NOT_KNOWN,
            "is_null_level": True,
        }
    ]
    for label, (condition, m, u) in zip(LEVELS[how], _CONDITIONS[how], strict=True):
        level: dict[str, Any] = {
            "sql_condition": condition.format(c=column),
            "label_for_charts": label,
            "m_probability": m,
            "u_probability": u,
        }
        if label == "same" and how in ("name", "postcode"):
            # Two Smiths agree by chance more often than two Featherstonehaughs.
            level["tf_adjustment_column"] = column
        levels.append(level)
    return {"output_column_name": column, "comparison_levels": levels}


def _agree(rule: list[str]) -> str:
    return " AND ".join(f'l."{column}" = r."{column}"' for column in rule)


def _pairs_of(connection: duckdb.DuckDBPyConnection, rules: list[list[str]]) -> int:
    """Count the distinct pairs that agree on all columns of one of the rules."""
    joined = " UNION ".join(
        f"SELECT l.{NOMINAL} AS one, r.{NOMINAL} AS other FROM nominals l "
        f"JOIN nominals r ON {_agree(rule)} AND l.{NOMINAL} < r.{NOMINAL}"
        for rule in rules
    )
    counted = connection.execute(f"SELECT count(*) FROM ({joined})").fetchone()
    return int(counted[0]) if counted else 0


def _pairs_sql(predicted: str, model: LinkageModel) -> str:
    """Return the query that gives the pairs words instead of Splink's numbers."""
    words = ", ".join(
        f"CASE \"gamma_{one.column}\" WHEN -1 THEN '{NOT_KNOWN}' "
        + " ".join(
            f"WHEN {len(LEVELS[one.how]) - 1 - at} THEN '{label}'"
            for at, label in enumerate(LEVELS[one.how])
        )
        + f' END AS "agreement_{one.column}"'
        for one in model.comparisons
    )
    return f"""
        WITH said AS (
            SELECT least("{LEFT}", "{RIGHT}") AS {LEFT},
                greatest("{LEFT}", "{RIGHT}") AS {RIGHT},
                match_probability, match_weight, {words}
            FROM {predicted}
        ),
        doubted AS (
            SELECT *, nullif(concat_ws('; ', {_doubts_sql(model)}), '') AS doubt
            FROM said
        )
        SELECT *, left(sha256({LEFT} || chr(10) || {RIGHT}), 12) AS pair,
            CASE WHEN match_probability >= {model.thresholds.match} AND doubt IS NULL
                THEN 'match' ELSE 'review' END AS band
        FROM doubted
        ORDER BY 1, 2
    """


def _doubts_sql(model: LinkageModel) -> str:
    """Return an expression a doubt, each null where the pair raises none."""
    expressions = ["NULL"]
    for one in model.doubts:
        levels = ", ".join(f"'{level}'" for level in one.when)
        outweighed = "".join(
            f" AND \"agreement_{column}\" <> 'same'" for column in one.unless_same
        )
        said = f'"agreement_{one.column}"'
        expressions.append(
            f"CASE WHEN {said} IN ({levels}){outweighed} "
            f"THEN '{one.column}: ' || {said} END"
        )
    return ", ".join(expressions)


def _settled(settings: dict[str, Any]) -> dict[str, Any]:
    """Keep every weight within reason, and round it below what the last bits change.

    A level that no pair of the training happened to show gets an m of nought, and one
    such disagreement would then outweigh everything else for good.
    """
    settings["probability_two_random_records_match"] = _rounded(
        settings["probability_two_random_records_match"]
    )
    for comparison in settings["comparisons"]:
        levels = [
            one
            for one in comparison["comparison_levels"]
            if not one.get("is_null_level")
        ]
        for name, least in (("m_probability", _LEAST_M), ("u_probability", _LEAST_U)):
            raised = [max(one[name], least) for one in levels]
            for one, value in zip(levels, raised, strict=True):
                one[name] = _rounded(value / sum(raised))
    return settings


def _parameters(
    settings: dict[str, Any], trained: bool, model: LinkageModel
) -> dict[str, Any]:
    """Return the weights, for the record."""
    return {
        "trained": trained,
        "prior": settings["probability_two_random_records_match"],
        "levels": [
            {
                "column": comparison["output_column_name"],
                "agreement": level["label_for_charts"],
                "m": level["m_probability"],
                "u": level["u_probability"],
            }
            for comparison in settings["comparisons"]
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        ],
        "seed": model.seed,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _version(model: LinkageModel, parameters: dict[str, Any]) -> str:
    text = json.dumps(parameters, sort_keys=True)
    trained = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{model.version}+{model.fingerprint}.{trained}"
