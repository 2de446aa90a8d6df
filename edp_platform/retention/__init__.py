"""Review, retention and disposal of what is held about persons.

Belongs here: the schedule as data, each person's dates and state, people's decisions,
the register of every store that holds a copy, disposal from all of them and its proof.
Does not belong here: who asks for their rights (`rights`), Dagster (`defs`).
"""
