"""`kame-data nightly` and `kame-data serve`: a build that grows, now or on a schedule."""

from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import typer

from kame_data.cli.flags import takes
from kame_data.settings.branch import ROOTED
from kame_data.settings.declared import as_given, as_set, at, settings_in
from kame_data.settings.machine_paths import absolute
from kame_data.settings.nights import NightSettings, ScheduleSettings
from kame_data.settings.tree import Settings


def flow_parameters(
    tree: type[NightSettings], config: str | None, flags: dict[str, Any], sets: tuple[str, ...]
) -> dict[str, Any]:
    """The parameters of the flow of a night, as JSON. No path depends on the folder that the command is given in.

    What is of the night itself is a parameter; of its build only what is given here, for each run reads its settings
    file and environment anew. Raises UsageError, one line, for whatever is wrong with the settings.
    """
    from kame_data.settings.layers import load, parsed_set

    settings = load(tree, config, flags, sets)
    plain = settings.model_dump(mode="json", exclude_unset=True, context=ROOTED)
    rooted = tree.model_validate(plain)
    of_build = {s.path: s for s in settings_in(Settings) if s.path != "out"}
    build = {s.name: as_given(s, at(rooted, s.path)) for s in of_build.values() if s.flag and s.name in flags}
    build |= {name: flags[name] for name in ("llm",) if name in flags}
    by_set = dict.fromkeys(parsed_set(tree, text)[0] for text in sets)
    if given := [as_set(path, _plain_at(plain, path)) for path in by_set if path in of_build]:
        build["set"] = given
    if config is not None:
        build["config"] = absolute(config) if Path(config).is_file() else config
    of_night = {name: value for name, value in plain.items() if name not in Settings.model_fields}
    return {"out": str(rooted.out.resolve()), "tokens": {}, "publish": {}} | of_night | {"build": build}


def _plain_at(plain: dict[str, Any], path: str) -> Any:
    """Value of settings as JSON at a dotted path; None where a null was given that the tree leaves out."""
    try:
        return reduce(getitem, path.split("."), plain)
    except KeyError:
        return None


@takes(NightSettings, resolve=flow_parameters)
def nightly(settings: dict[str, Any]) -> None:
    """Let a build grow by --more questions, judge it, and publish it where it holds; `serve` does so on a schedule."""
    from kame_data.workflows.night import check_night

    check_night(settings)
    from kame_flows.serving import run_now

    typer.echo(run_now(settings))


@takes(ScheduleSettings, resolve=flow_parameters)
def serve(settings: dict[str, Any]) -> None:
    """Run `nightly` on a schedule until stopped; wants a Prefect server (docs/SCHEDULES.md)."""
    from kame_data.workflows.night import check_night

    own = {name: settings.pop(name) for name in ("cron", "interval", "timezone", "name") if name in settings}
    check_night(settings)
    from kame_flows.serving import serve as serve_

    serve_(settings, **own)
