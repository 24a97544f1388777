"""The whole way from questions to a checkpoint and to the Hub as a Prefect flow: one task a step, the command of its
name."""

import subprocess
import sys

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipeline.errors import KameError
from pipeline.recipe import Step


class StepError(KameError):
    """A step failed; the command ends with the step's exit code, and the step has said why."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"the step {name} failed, as it says above; the same command goes on from it")
        self.exit_code = code if code > 0 else 1


@task(name="step", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def run_step(name: str, command: tuple[str, ...]) -> None:
    """Run a step to its end. Raises StepError with its exit code."""
    sys.stdout.flush()
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise StepError(name, done.returncode)


@flow(name="pipeline", persist_result=False)
def pipeline_flow(steps: list[Step]) -> None:
    """One step after the other."""
    for step in steps:
        run_step(step.name, step.command)
