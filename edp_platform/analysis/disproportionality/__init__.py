"""Disproportionality: whether what the police do falls more on some groups than others.

Counts of searches and of residents in; rates, ratios with intervals, bounds for people
whose ethnic group is not known, and refusals out. Nothing here decides whether a
difference is fair; what each figure cannot show is said beside it, in words.

- `intervals`: rates, shares, and ratios of two of them, with their intervals.
- `stratified`: Mantel-Haenszel ratios over boroughs.
- `facts`: what people declare: denominators that do not fit, areas policed.
- `counts`: searches of every source in one shape, by month and by twelve months.
- `refusing`: rule 37, what is not shown and why.
- `disparity`: searches per 1,000 residents, group against group.
- `outcomes`: find rates and positive outcomes: the outcome test.
- `recording`: officer-defined against self-defined ethnicity.
- `satisfaction`: gaps between groups in the victims' survey.
"""
