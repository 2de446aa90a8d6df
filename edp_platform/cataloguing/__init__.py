"""The catalogue: what there is, who answers for it, how good and fresh it is, who sees it.

Belongs here: one entry for each data set and mart, gathered from where each fact stands
(contract, DPIA, registers, dbt's YAML, lineage, receipts, grants), searching them and
laying them out as pages. Does not belong here: any fact of its own. The hand-over in a
standard's form (DCAT) is `publishing.exports.catalogue`.
"""
