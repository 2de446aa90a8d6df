"""What a sprint team declares with: a governed data set, a use case.

The only building blocks that know both Dagster and the plain rooms. Each is named in a
folder's `defs.yaml`; a missing answer fails the folder with file and line.
"""

from edp_platform.components.governed_dataset import GovernedDataset
from edp_platform.components.use_case import UseCase

__all__ = ["GovernedDataset", "UseCase"]
