"""`kame-data tandem` and `kame-data talk`: a conversation with a model. Imports nothing heavy before it begins."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

from kame_data.cli.flags import takes
from kame_data.errors import Interrupted, UsageError
from kame_data.records import SAMPLE_RATE
from kame_data.settings.talk import TalkSettings
from kame_data.settings.tandem import TandemSettings
from kame_data.terminal import console


@takes(TandemSettings)
def tandem(settings: TandemSettings) -> None:
    """Serve a model that people talk to; with `--in` or `--say` one conversation is held without a server."""
    from kame_data.tandem.needs import check_installed

    if settings.sound_in is not None or settings.say is not None:
        check_installed()
        _without_server(settings)
        return
    for flag, path in (("--out", settings.sound_out), ("--events", settings.events), ("--page", settings.page)):
        if path is not None:
            raise UsageError(f"{flag} {path}: goes with --in; without it, clients of the server keep what they hear")
    check_installed(serves=True)
    if settings.server.replicas > 1 or settings.server.address:
        if settings.record is not None:
            raise UsageError(f"--record {settings.record}: is of one process; leave --replicas and --address out")
        _serve_replicas(settings)
    else:
        asyncio.run(_serve(settings))


@takes(TalkSettings)
def talk(settings: TalkSettings) -> None:
    """Talk to a running tandem at real time: with a recording, or with a microphone."""
    asyncio.run(_talk(settings))


def _without_server(settings: TandemSettings) -> None:
    from kame_data.tandem.events import AnyEvent, EventLog
    from kame_data.tandem.one_conversation import hold, user_sound, write_page
    from kame_data.tandem.record import Recording, keep_whole
    from kame_data.tandem.sounds import write_stereo
    from kame_data.tandem.told import Teller

    user = user_sound(settings)
    to = console()
    teller, events = Teller(to.print), list[AnyEvent]()
    for flag, path in (("--out", settings.sound_out), ("--page", settings.page)):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"{flag} {path}: its folder is not there; make it, or name another one")
    if settings.record is not None:
        Recording(settings.record).drop()  # a folder that cannot be written is told now
    with EventLog(settings.events, [teller, events.append]) as log:
        sound = asyncio.run(hold(settings, user, log))
    to.print()
    if settings.sound_out is not None:
        write_stereo(settings.sound_out, sound)
    _tell_files(settings.sound_out, settings.events, len(sound))
    if settings.page is not None:
        write_page(settings.page, events, sound)
        to.print(f"{settings.page}: the conversation in time, to look at and hear")
    if settings.record is not None:
        to.print(keep_whole(settings.record, sound, events))


async def _serve(settings: TandemSettings) -> None:
    from kame_data.tandem.opening import open_tandem
    from kame_data.tandem.record import Recording
    from kame_data.tandem.server.access import token_of
    from kame_data.tandem.server.app import Server
    from kame_data.tandem.server.serving import check_tls, listen_at, serve

    to = console()
    # What would stop it in the end is said before the model is loaded.
    token = token_of(settings.server.host, os.environ)
    check_tls(settings.server)
    if settings.record is not None:
        Recording(settings.record).drop()
    with listen_at(settings.server) as listening:
        async with open_tandem(settings, settings.slots) as made:
            host, port = listening.getsockname()[:2]
            shown = f"{'https' if settings.server.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
            setup = made.setup
            to.print(f"{setup.model}, {setup.recogniser}, {setup.back_end}, {setup.voice}, {setup.policy}")
            if setup.stand_ins:
                to.print(f"stand-ins: {', '.join(setup.stand_ins)}")
            to.print(f"{shown}: {made.slots} at once" + ("; clients show the token" if token else ""))
            await serve(Server(made, settings.server, token, settings.record), listening, to.print)


def _serve_replicas(settings: TandemSettings) -> None:
    from kame_data.tandem.opening import open_tandem
    from kame_data.tandem.server.replicas import run_replicas

    open_ = partial(open_tandem, settings, settings.slots)
    run_replicas(settings.server, open_, settings.slots, settings.device in ("auto", "cuda"), console().print)


async def _talk(settings: TalkSettings) -> None:
    from kame_data.tandem.client.connecting import address, connected
    from kame_data.tandem.client.microphone import Microphone
    from kame_data.tandem.client.talking import Recording, Talk
    from kame_data.tandem.events import EventLog
    from kame_data.tandem.sounds import read_sound, write_stereo
    from kame_data.tandem.told import Teller

    address(settings)
    if settings.sound_out is not None and not settings.sound_out.absolute().parent.is_dir():
        raise UsageError(f"--out {settings.sound_out}: its folder is not there; make it, or name another one")
    recording = read_sound(settings.sound_in) if settings.sound_in is not None else None
    to = console()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    with EventLog(settings.events, [Teller(to.print)]) as log:
        async with connected(settings) as socket:
            talk = Talk(socket, settings, [log.add], to.print, keep=settings.sound_out is not None)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stopped.set)
            try:
                if recording is not None:
                    await talk.run(Recording(recording, settings, stopped))
                else:
                    microphone = Microphone(stopped)
                    with microphone.open():
                        to.print("speak; Ctrl-C ends the talk")
                        await talk.run(microphone)
            finally:
                if settings.sound_out is not None:
                    write_stereo(settings.sound_out, talk.sound())
    to.print()
    _tell_files(settings.sound_out, settings.events, len(talk.sound()))
    if recording is not None and stopped.is_set():
        raise Interrupted("interrupted; what was said until then is kept")


def _tell_files(sound: Path | None, events: Path | None, length: int) -> None:
    """Say what lies where; `length`: of the sound, in samples."""
    to = console()
    if sound is not None:
        to.print(f"{sound}: {length / SAMPLE_RATE:.1f} s, the assistant left, the user right")
    if events is not None:
        to.print(f"{events}: the event log")
