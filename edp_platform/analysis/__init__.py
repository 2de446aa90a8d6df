"""Data science ready to use: methods that turn governed data into findings.

Belongs here: plain Python over frames and files, each method in a folder of its own,
with its model declared in YAML and its quality measured. Does not belong here: Dagster,
the gate (whoever calls has asked it), or a use case's own choices (those stand in
`defs/<use case>/`).
"""
