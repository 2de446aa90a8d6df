"""The Enterprise Data Platform: governed data, from a file as received to a tested mart.

Rooms: `contracts`, `ingestion`, `governance`, `publishing` and `sample` are plain
Python and never import Dagster; `components`, `orchestration` and `defs` are where
they meet it; `cli` is a thin command line over both.
"""
