"""The evidence on which commercial services decide whether a supplier goes on.

Belongs here: what happened in a sprint as plain values (`evidence`), what it shows
(`pack`), what it cost (`cost`), whether data came when it was promised (`freshness`),
and how it is laid out (`page`). Does not belong here: asking Dagster what happened
(`orchestration.evidence`), and the decision itself, which people make and sign (the
supplier reviews of the registers; rule 22).

Every figure is counted from what was recorded when it happened. What is not on record
is listed as not found; nothing is estimated or filled in. (R13, R26; PCD 1577 5.7.)
"""
