"""Starting a data set or a use case: a folder with the facts in and the questions open.

Belongs here: profiling a file, and writing contracts, records and staging models whose
governance is left blank for people to answer. Does not belong here: answering it, and
refusing a folder while it is open (`contracts`, `governance`, `components`).
"""

from edp_platform.scaffolding.data_set import scaffold_data_set
from edp_platform.scaffolding.use_case import scaffold_use_case
from edp_platform.scaffolding.writing import ScaffoldFailed

__all__ = ["ScaffoldFailed", "scaffold_data_set", "scaffold_use_case"]
