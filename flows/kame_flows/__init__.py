"""The Prefect flows: thin; they call `kame_data` and hold no logic of their own."""

import os
import tempfile
from pathlib import Path

# Both switches of Prefect's telemetry, before anything imports it.
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
# A task's error reaches the user as the command's one line; Prefect's own log would print its traceback before it.
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
os.environ.setdefault("PREFECT_LOGGING_SERVER_LEVEL", "CRITICAL")
# What a night has to say goes to the server's log of the run, and no traceback.
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "kame_flows.nightly")
# The embedded server starts slowly on a busy machine; Prefect's own limit is 20 s.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")

if "PREFECT_HOME" not in os.environ:
    home = Path("~/.prefect").expanduser()
    if not os.access(next((p for p in (home, *home.parents) if p.exists()), Path("/")), os.W_OK):
        # Prefect waits for ever on a folder that it cannot write; what it notes there is no truth of ours.
        os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="kame-data-prefect-")
