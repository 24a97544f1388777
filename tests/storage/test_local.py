"""Folders on a disk that change while they are read."""

import os

from kame_data.storage.paths import path_of


def test_a_listing_leaves_out_what_is_no_longer_there(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "vanishing").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    class Scan:
        """A scan of a folder from which a file is removed once its names were read."""

        def __init__(self, folder):
            with os_scandir(folder) as found:
                self.entries = list(found)
            (tmp_path / "vanishing").unlink()

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    os_scandir = os.scandir
    monkeypatch.setattr("kame_data.storage.local.os.scandir", Scan)
    found = path_of(tmp_path).listing()
    monkeypatch.undo()
    assert list(found.items()) == [("a", 2), ("folder", -1)]
    assert path_of(tmp_path / "nowhere").listing() == path_of(tmp_path / "a").listing() == {}
