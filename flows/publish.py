"""Publishing as a Prefect flow: the same as `kame-data publish`, one task a repository."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipeline.publish.run import Request, Written, publish
from pipeline.publish.show import Uploads
from pipeline.publish.upload import Published


# What breaks is tried again within the task, from what is there.
@task(name="publish", task_run_name="publish {request.repo}", cache_policy=NO_CACHE, persist_result=False)
def publish_one(request: Request, progress: bool) -> Published | Written:
    """Publish a build or a model."""
    with Uploads(progress) as uploads:
        return publish(request, uploads)


@flow(name="publish", validate_parameters=False, persist_result=False)
def publish_flow(requests: list[Request], progress: bool = True) -> list[Any]:
    """Publish builds and models, one after the other; returns what became of each."""
    return [publish_one(request, progress) for request in requests]
