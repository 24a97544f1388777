"""Every draw comes from a seed derived from (build seed, id, purpose), so that no draw depends on another."""

import hashlib
import random
import re

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def digest(*parts: object) -> str:
    """SHA-256, in hex, of the parts; no two different tuples of strings and numbers share their encoding."""
    h = hashlib.sha256()
    for part in parts:
        data = str(part).encode("utf-8", "surrogatepass")
        h.update(b"%d:" % len(data))
        h.update(data)
    return h.hexdigest()


def rng(seed: int, *purpose: object) -> random.Random:
    """A random stream of its own for (seed, *purpose), the same on every machine and Python version."""
    return random.Random(int(digest(seed, *purpose)[:32], 16))


def fraction(*parts: object) -> float:
    """A number in [0, 1) that is fixed by the parts."""
    return int(digest(*parts)[:13], 16) / 16**13


def safe_id(own: str) -> str:
    """An id that is safe in file names: `own` where it is plain, else a hash of it."""
    return own if _PLAIN_ID.fullmatch(own) else digest(own)[:16]
