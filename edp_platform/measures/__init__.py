"""Measures of the performance framework as data: one YAML each, one mart for all.

`declared` says what a measure must state, `loading` reads and checks the files,
`sql` writes the dbt models that work their values out.
"""
