"""litellm's proxy, a server that nobody here wrote, in an environment of its own (its pins clash with ours).

KAME_DATA_LITELLM names its `litellm` program; without it, `.venv-litellm/bin/litellm` in the checkout is looked for:
    python -m venv .venv-litellm && .venv-litellm/bin/pip install 'litellm[proxy]==1.106.2'
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from llm.own_server import serving

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
    (folder / "config.yaml").write_text(CONFIG)
    shutil.copy(handler, folder / "litellm_handler.py")
    # Without these it asks the network for prices, and refuses to start without a key of its own.
    own = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
    flags = ["--config", "config.yaml", "--host", "127.0.0.1", "--port"]
    with serving(lambda port: [str(litellm), *flags, port], folder, "/health/liveliness", own) as root:
        yield root
