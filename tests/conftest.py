"""What tests of several folders share."""

import subprocess

import pytest

pytest_plugins = ["hub"]


@pytest.fixture
def mount(tmp_path):
    """Mounts a tmpfs of so many KiB; takes root."""
    mounted = []

    def mount(size):
        folder = tmp_path / f"disk-{size}"
        folder.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if made.returncode:
            pytest.skip("a disk of its own takes root to mount")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
