"""Run as a program: a scripted tandem on Ray Serve. Arguments: port, replicas."""

import contextlib
import os
import sys
from dataclasses import replace

from kame_data.settings.server import ServerSettings
from kame_data.tandem.server.replicas import run_replicas


@contextlib.asynccontextmanager
async def opened():
    from tandem.server.scripted import tandem

    made = tandem(2)
    made.setup = replace(made.setup, model=f"replica {os.getpid()}")
    try:
        yield made
    finally:
        await made.close()
        made.stepper.close()


if __name__ == "__main__":
    settings = ServerSettings(port=int(sys.argv[1]), replicas=int(sys.argv[2]), drain=5.0)
    run_replicas(settings, opened, 2, False, lambda line: print(line, flush=True))
