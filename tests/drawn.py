"""Pictures for tests: real ones in every format, each of its own colour."""

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from checkout import ROOT

SHARED = ROOT.parent / "shared" / "data" / "hssbench"


def drawn(number: int = 0, kind: str = "PNG", size: tuple[int, int] = (9, 7), mode: str = "RGB", **more: Any) -> bytes:
    """The bytes of a picture; `number` tells one from another."""
    colour = (number * 37 % 256, number * 91 % 256, number // 7 % 256)
    file = io.BytesIO()
    Image.new("RGB", size, colour).convert(mode).save(file, kind, **more)
    return file.getvalue()


def real_rows() -> list[tuple[Path, dict[str, Any], bytes]]:
    """Rows of HSSBench as published, each with its file and the bytes of its picture: real ones where they lie beside
    the checkout, else the bundled sample's with drawn ones."""
    bundled = ROOT / "data" / "samples" / "hssbench.jsonl"
    found = []
    for file in sorted(SHARED.glob("*.jsonl")) or [bundled]:
        for number, line in enumerate(file.read_text("utf-8").splitlines()):
            row = json.loads(line)
            picture = SHARED / "pictures" / str(row.get("pic_path"))
            if row.get("pic_path") and (file == bundled or picture.is_file()):
                found.append((file, row, drawn(number) if file == bundled else picture.read_bytes()))
    return found
