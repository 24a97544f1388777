"""The safe path: processes that we start import this very package, and nothing from the folder that the user stands in.

Python puts the working directory, or the script's folder, on the path of `python -m`, of `python -c` and so of
multiprocessing's fork server. A user's own `records.py`, or another checkout of ours, would be run instead of what is
meant.
"""

import os
import site
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import kame_data
from kame_data.resources import bundled

PACKAGES = ("kame_data", "kame_flows")


def environment() -> dict[str, str]:
    """This process's environment for a child of ours: no working directory on its path, and our packages first."""
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    path = dict.fromkeys([*_source_roots(), *(str(Path(entry).absolute()) for entry in named)])
    found = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path)}
    return found if path else {name: value for name, value in found.items() if name != "PYTHONPATH"}


@contextmanager
def safely() -> Iterator[None]:
    """While it is open, every process that begins has `environment()`; for libraries that start some by themselves."""
    before = {name: os.environ.get(name) for name in ("PYTHONSAFEPATH", "PYTHONPATH")}
    os.environ.update(environment())
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def protect() -> None:
    """Make a command safe, and all that it will start: `environment()` is its own from here on, and the working
    directory that `python -m` has put first leaves the path, unless our package was found there."""
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        return  # a folder that is deleted holds no module
    os.environ.update(environment())
    if not sys.flags.safe_path and sys.path and sys.path[0] in ("", here) and here not in _found_in():
        sys.path.pop(0)


@cache
def code_digest() -> str:
    """A digest of the package's code and prompts, by which a worker tells whether it runs what the command runs."""
    found = sha256()
    roots = [Path(kame_data.__file__).parent, bundled("prompts")]
    for root in roots:
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".py", ".txt") and p.is_file()):
            found.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return found.hexdigest()


@cache
def _found_in() -> tuple[str, ...]:
    """The folders in which this process finds our packages, named from the root."""
    specs = [find_spec(name) for name in PACKAGES]
    return tuple(dict.fromkeys(str(Path(s.origin).absolute().parents[1]) for s in specs if s and s.origin))


def _source_roots() -> list[str]:
    """Those of these folders that Python does not look into by itself."""
    own = {str(Path(folder).absolute()) for folder in (*site.getsitepackages(), site.getusersitepackages())}
    return [folder for folder in _found_in() if folder not in own]
