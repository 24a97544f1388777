import os
import subprocess
import sys
from pathlib import Path

import hub

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import sys
from pathlib import Path
from flows.publish import publish_flow
from pipeline.publish.run import Request
out, dry = Path(sys.argv[1]), Path(sys.argv[2])
done = publish_flow([Request("ORG/NAME", out), Request("ORG/NAME", out, dry_run=dry)], progress=False)
print(done[0].uploaded, done[1].rows["text"])
"""


def test_the_flow_publishes_from_prefect(spoken, tmp_path):
    with hub.hub() as site:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | {
            "HF_ENDPOINT": site.url, "HF_TOKEN": hub.TOKEN, "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(tmp_path / "home"), "PREFECT_HOME": str(tmp_path / "prefect"), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(spoken), str(tmp_path / "dry")],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "11 {'train': 18, 'validation': 2}"
        assert len(site.read("ORG/NAME")) == 12 and hub.TOKEN not in done.stdout + done.stderr
