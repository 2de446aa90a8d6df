"""Legacy reports beside the marts that replace them: every cell, and why it differs.

Belongs here: reading a report as people made it, finding which mart column each of its
columns is, comparing cell by cell, and the causes that the platform's own records give
(releases, quarantine, repeats, supply, breaks, labels). Does not belong here: the
register of legacy services (`governance.records.legacy_service`) and following rows to
files (`tracing`). No value of a row is told: counts, file names and line numbers are.
"""
