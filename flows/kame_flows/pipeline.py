"""The whole way from questions to a checkpoint and to the Hub as a Prefect flow: a task for each step."""

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from kame_data.workflows.workflow import Step


@task(name="step", task_run_name="{step.name}", cache_policy=NO_CACHE, persist_result=False)
def run_step(step: Step) -> None:
    """Run a step to its end. Raises StepError with its exit code."""
    step.run()


@flow(name="pipeline", persist_result=False)
def pipeline_flow(steps: list[Step]) -> None:
    """Run one step after the other."""
    for step in steps:
        run_step(step)
