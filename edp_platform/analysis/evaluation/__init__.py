"""Activity to outcome: did what was done change what it was to change?

A plan is registered before anybody looks (`governance.records.evaluation`); everything
here is worked out from that plan and from counts by area and month, so that no choice is
left to whoever runs it.

- `design`: the plan as the methods need it, and the panel of counts.
- `neighbours`: which areas share a border, for displacement.
- `difference`: difference-in-differences as a ratio of rate ratios, with intervals that
  allow for areas that differ, and randomisation over areas.
- `trends`: the event study, and the look at trends before.
- `series`: interrupted time series.
- `delivery`: whether the activity was done where and when it was planned.
- `checks`: placebo months and areas, displacement.
- `wording`: what may be said of it; rule 41.
- `conclusions`: words on record that no registered plan stands behind.
- `registration`: whether the plan stands as it was registered; first looks.
- `results`, `mart`: all of it for every registered evaluation, as the mart
  `evaluation_results`.
"""
