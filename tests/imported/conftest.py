"""A folder to import."""

import pytest

from recorded import put


@pytest.fixture
def folder(tmp_path):
    """A folder with one good dialogue, `good`."""
    return put(tmp_path / "in", "good")
