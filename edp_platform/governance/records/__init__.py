"""The records people sign: one strict model a register, one YAML file a record.

Belongs here: what a record must state, in which words, and how a file of it is read,
with file and line for each fault. Does not belong here: whether a record opens a door
(`governance.gate`, `delivery`, `supplier_rules`, `equality_rules`), and where records
stand (`governance.registers`).
"""
