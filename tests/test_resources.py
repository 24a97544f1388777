from pathlib import Path

import pytest

from kame_data import resources
from kame_data.errors import KameError


def test_a_checkout_and_a_wheel_hold_them_in_different_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "pipeline" / "kame_data"
    for folder in (package / "data", tmp_path / "data", tmp_path / "prompts"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", package)
    # In a wheel they are inside the package; a stranger's folder beside it is not ours.
    assert resources.bundled("data") == package / "data"
    assert resources.bundled("prompts") == tmp_path / "prompts"
    with pytest.raises(KameError, match=r"'data/none.yaml' is missing"):
        resources.bundled("data/none.yaml")
