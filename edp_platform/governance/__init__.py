"""The law as rules: records people sign, and the gate that reads them.

Belongs here: strict models of DPIAs and registers, and pure functions that say whether
a use of data is covered. Does not belong here: reading or writing data, Dagster, or
the clock (today is always an argument).
"""
