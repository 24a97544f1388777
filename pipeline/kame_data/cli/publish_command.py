"""`kame-data publish`: a build or a trained model to the Hugging Face Hub."""

from typing import TYPE_CHECKING

from kame_data.cli.flags import takes
from kame_data.settings.publication import Publication
from kame_data.terminal import console

if TYPE_CHECKING:
    from kame_data.publish.publish import Written
    from kame_data.publish.upload import Published


@takes(Publication)
def publish(settings: Publication) -> None:
    """Put a build or a trained model on the Hugging Face Hub with a card. The same command again sends what is new."""
    from kame_data.publish.publish import publish as publish_
    from kame_data.publish.upload_bar import Uploads

    with Uploads(settings.progress) as uploads:
        outcome = publish_(settings, uploads)
    print_outcome(outcome)


def print_outcome(outcome: "Published | Written") -> None:
    """Prints what was uploaded, or written by a dry run."""
    from kame_data.publish.publish import Written
    from kame_data.publish.sections import size

    to = console()
    if isinstance(outcome, Written):
        to.print(f"{outcome.folder}: {outcome.files} files, {size(outcome.bytes)}, as they would be uploaded")
        for name, splits in outcome.rows.items():
            counts = ", ".join(f"{split} {rows}" for split, rows in splits.items())
            to.print(f"load_dataset reads '{name}': {counts}")
        return
    if outcome.uploaded or outcome.deleted:
        gone = f", {outcome.deleted} of an earlier upload deleted" if outcome.deleted else ""
        to.print(f"{outcome.uploaded} files uploaded, {size(outcome.bytes)}{gone}; commit {outcome.commit[:12]}")
    else:
        to.print("the repository holds just this already; nothing was uploaded")
    to.print(f"{outcome.url}{'  (private)' if outcome.private else ''}")
