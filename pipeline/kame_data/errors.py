"""Errors that a person reads: one line that names the thing, its value and the way out."""


class KameError(Exception):
    """A failure of the work itself; the command ends with exit code 1."""

    exit_code = 1


class UsageError(KameError):
    """Bad usage, settings or input; exit code 2."""

    exit_code = 2


class StoppedError(KameError):
    """A budget or a limit stopped the work in good order; exit code 3."""

    exit_code = 3


class Interrupted(KameError):
    """The user or the machine asked the work to stop; what is done stays done."""

    exit_code = 130


class Refusal(Exception):
    """One question, dialogue, oracle or clip that is refused; it goes to rejected/ and the build goes on.

    `reason` is a short stable word group in snake_case that is counted (`needs_picture`); `detail` is free text for a
    person.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
