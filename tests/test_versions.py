"""What a stage makes of the same input is pinned by its version, for a part on disk is trusted by its fingerprint.

Where a change alters what the bundled samples become, raise the version of the stage, writer or simulator that changed,
then `python tests/test_versions.py` notes the new state.
"""

import json
import tempfile
from pathlib import Path

from building import build, settings_of

from pipeline.build import QUESTIONS_VERSION, Build
from pipeline.seeds import digest
from pipeline.stages import STAGES

NOTED = Path(__file__).with_suffix(".json")


DUPLEX = {"hesitation": 1.0, "user_back_channel": 1.0, "assistant_back_channel": 1.0, "barge_in": 1.0}


def now(folder):
    """What the bundled samples become, as they are by themselves and as a noisy duplex conversation."""
    duplex = settings_of(folder / "duplex", duplex=DUPLEX, stt={"noise": 0.1})
    rows = _rows(settings_of(folder / "plain"))
    return rows | {f"duplex {name}": found for name, found in _rows(duplex).items() if name != "questions"}


def _rows(settings):
    build(settings)
    found = Build(settings)
    rows = {"questions": [], "dialogues": [], "oracles": []}
    for source in settings.sources:
        rows["questions"] += found.store("questions").marker(found.questions_name(source)).rows.values()
    for slice_ in found.slices(found.wanted().counts):
        for name in ("dialogues", "oracles"):
            rows[name] += found.marker(STAGES[name], slice_).rows.values()
    versions = {"questions": str(QUESTIONS_VERSION)}
    for name in ("dialogues", "oracles"):
        versions[name] = digest(STAGES[name].version, sorted(STAGES[name].key(settings).items()))
    return {name: {"version": versions[name], "rows": digest(*rows[name])} for name in rows}


def test_changed_output_has_a_changed_version(tmp_path):
    found = now(tmp_path)
    noted = json.loads(NOTED.read_text())
    for name in found:  # in order: what reads changed rows changes with them
        same = noted[name]["version"] == found[name]["version"]
        assert not same or noted[name] == found[name], f"{name}: other rows than noted under the same version; raise it"
        assert noted[name] == found[name], f"{name}: run `python tests/test_versions.py` and commit what it notes"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        NOTED.write_text(json.dumps(now(Path(folder)), indent=1) + "\n")
