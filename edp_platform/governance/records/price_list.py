"""The price list: what an hour of a run, a gigabyte and a day of a person cost."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from edp_platform.governance.records.base import PersonId, Record, RecordDate, Words


class PriceList(Record):
    """Prices in pounds, with whose they are and from when."""

    register: ClassVar[str] = "price list"

    id: Words = Field(description="its id, such as PRICES-2026")
    source: Words = Field(description="whose prices these are")
    effective_from: RecordDate = Field(description="from which day, YYYY-MM-DD")
    run_hour_pounds: float = Field(ge=0, description="pounds for an hour of a run")
    stored_gigabyte_month_pounds: float = Field(
        ge=0, description="pounds to keep a gigabyte for a month"
    )
    person_day_pounds: float = Field(
        ge=0, description="pounds for a day of a member of staff"
    )
    confirmed_by: PersonId = Field(description="who confirmed them")
    confirmed_on: RecordDate = Field(description="the day, YYYY-MM-DD")
