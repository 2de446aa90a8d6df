"""The platform's own stores as copies: landing, evidence, lake, warehouse, published.

Each is searched whole, by every text column, whatever the column is called: a model that
renames an identifier does not hide a person.

- `originals`: landing, what is passing through, corrections.
- `room_tables`: Parquet files of a room of the home.
- `database_files`: the warehouse and its published copies.
"""

from __future__ import annotations

from edp_platform.retention.copies import register
from edp_platform.retention.served import ServedTables
from edp_platform.retention.stores.database_files import Published, Warehouse
from edp_platform.retention.stores.originals import CorrectionsBeside, Landing, Passing
from edp_platform.retention.stores.room_tables import Lake, Linkage, TablesOfRoom

__all__ = [
    "CorrectionsBeside",
    "Lake",
    "Landing",
    "Linkage",
    "Passing",
    "Published",
    "TablesOfRoom",
    "Warehouse",
]

register(Landing)
register(Passing)
register(CorrectionsBeside)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "quarantine",
        "quarantine",
        corrected_by="corrected and released by edp quarantine",
        in_use=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "repeats set aside",
        "set_aside",
        corrected_by="holds no values",
        in_use=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "cleansed cells",
        "cleansed",
        corrected_by="written again when the file is read again",
        in_use=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "restricted lines",
        "rights",
        corrected_by="holds no values",
        in_use=False,
    )
)
register(
    lambda home, data_sets: Lake(
        home,
        data_sets,
        "raw lake",
        "raw",
        corrected_by="corrected at once, and loaded so from then on",
        in_use=True,
    )
)
register(
    lambda home, data_sets: Linkage(
        home,
        data_sets,
        "linkage",
        "linkage",
        corrected_by="worked out again by the next linkage",
        in_use=False,
        by_data_set=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "review list",
        "retention",
        corrected_by="worked out again by the next review",
        in_use=False,
        by_data_set=False,
    )
)
register(Warehouse)
register(Published)
register(ServedTables)
