"""A real SLURM cluster for as long as the tests of this folder run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_cluster import reason_to_skip, running_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of a running cluster with the partitions of the profile."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("cluster")
    folder.parent.chmod(0o755)
    with running_cluster(folder):
        yield folder
