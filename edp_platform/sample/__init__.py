"""The sample force: made-up data in the shapes in which real files arrive.

What belongs here: code that writes files as two invented forces and their partners
would publish them (names, headers, column order, date formats, line ends), with the
same kinds of fault as the real files have, and the truth of what was planted.

What does not belong here: reading, checking or loading files, contracts, and anything
that knows Dagster or the home folder. Nothing here reads the clock: the day is an
argument. No code of the made-up geography is the code of a real place.
"""

from edp_platform.sample.generate import SampleSummary, make_sample

__all__ = ["SampleSummary", "make_sample"]
