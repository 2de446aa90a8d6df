"""Record linkage: which nominal records are about one person.

Splink (Fellegi-Sunter, on DuckDB) compares pairs; people decide the doubtful ones; both
make clusters. Nothing here changes a nominal: the outcome is an overlay, nominal_id →
person_id, with the evidence and the version of the model, and can be thrown away.

- `model`: what is declared: comparisons, blocking, thresholds.
- `nominals`: what of a nominal is compared.
- `scoring`: pairs and their probabilities.
- `decisions`: what people decided, append-only.
- `clustering`: pairs and decisions to persons.
- `quality`: precision and recall where the truth is known.
- `store`: where each of these stands under EDP_HOME.
- `review`: the doubtful pairs, side by side.
"""
