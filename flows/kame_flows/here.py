"""A call of this process as a Prefect flow: its data never goes through Prefect."""

from collections.abc import Callable
from typing import Any, TypeVar

from prefect import flow

R = TypeVar("R")


class _Here:
    """A call that stays in this process: a cluster's workers are sent the flow by value, and get an empty one."""

    def __init__(self, call: Callable[[], Any] | None = None) -> None:
        self._call = call

    def __reduce__(self) -> tuple[type["_Here"], tuple[()]]:
        return _Here, ()

    def __call__(self) -> Any:
        assert self._call is not None, "a flow runs where it was begun"
        return self._call()


def run_as_flow(name: str, folder: str, task_runner: Any, call: Callable[[], R]) -> R:
    """Return what `call` returns, called as a run of the flow `name` about `folder`, with a task runner of its own."""
    here = _Here(call)

    @flow(
        name=name,
        flow_run_name=f"{name} {{folder}}",
        task_runner=task_runner,
        validate_parameters=False,
        persist_result=False,
    )
    def run(folder: str) -> R:
        found: R = here()
        return found

    return run(folder)
