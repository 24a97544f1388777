"""litellm's proxy, a server that nobody here wrote, in an environment of its own (its pins clash with ours).

KAME_DATA_LITELLM names its `litellm` program; without it, `.venv-litellm/bin/litellm` in the checkout is looked for:
    python -m venv .venv-litellm && .venv-litellm/bin/pip install 'litellm[proxy]==1.106.2'
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIG = """\
model_list:
  - model_name: spoken
    litellm_params: {model: kame/spoken}
litellm_settings:
  custom_provider_map:
    - {provider: kame, custom_handler: litellm_handler.handler}
"""


def program() -> Path | None:
    """The proxy's program, or None where there is none."""
    named = os.environ.get("KAME_DATA_LITELLM")
    path = Path(named) if named else HERE.parents[1] / ".venv-litellm" / "bin" / "litellm"
    return path if path.is_file() else None


@contextlib.contextmanager
def litellm_proxy(folder: Path, handler: Path = HERE / "litellm_handler.py") -> Iterator[str]:
    """Runs the proxy with the model `spoken`; gives its root (append /v1 for OpenAI-style clients)."""
    litellm = program()
    assert litellm is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config.yaml").write_text(CONFIG)
    shutil.copy(handler, folder / "litellm_handler.py")
    # Without these it asks the network for prices, and refuses to start without a key of its own.
    own = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
    command = [str(litellm), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "proxy.log").open("w") as log:
        run = subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stdout=log, stderr=log)
    root = f"http://127.0.0.1:{port}"
    try:
        _wait(root, run, folder / "proxy.log")
        yield root
    finally:
        run.terminate()
        try:
            run.wait(20)
        except subprocess.TimeoutExpired:
            run.kill()


def _wait(root: str, run: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert run.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{root}/health/liveliness", timeout=2)
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])
