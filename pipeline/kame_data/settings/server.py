"""The settings of the server that people talk to: where it listens, whom it lets in, and what a connection may take."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from kame_data.settings.branch import Branch, Flag

TOKEN_VARIABLE = "KAME_DATA_TOKEN"  # noqa: S105 the name, not the secret
"""The variable of the environment that holds the secret of a server, for itself and for its clients."""
_Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ServerSettings(Branch):
    """Settings of the server. Its token comes from the environment alone (`TOKEN_VARIABLE`).

    `waiting`: places in the queue where all conversations are taken. `origins`: web pages of other sites that may
    connect, as in `https://my.site`. `tls_cert`, `tls_key`: PEM files. `longest`: seconds of a conversation at most.
    `replicas`: servers on Ray Serve, each with a model of its own; `address`: of the Ray cluster.
    `idle`: seconds without a message of the client. `message_bytes`: the longest message. `messages`: a second at most,
    on average, and `burst` of them at once. `drain`: seconds that conversations may go on behind the first SIGTERM.
    """

    host: Annotated[
        str,
        Flag("--host"),
        Field(min_length=1, description="Address to listen at; from elsewhere a token is needed."),
    ] = "127.0.0.1"
    port: Annotated[
        int, Flag("--port"), Field(ge=0, le=65_535, description="Port to listen at; 0 takes a free one.")
    ] = 8998
    waiting: Annotated[int, Field(ge=0, le=10_000)] = 16
    origins: Annotated[
        tuple[str, ...],
        Flag("--origin", many=True),
        Field(description="Web page of another site that may connect, as in https://my.site; repeatable."),
    ] = ()
    tls_cert: Annotated[
        Path | None, Flag("--tls-cert", metavar="FILE"), Field(description="PEM file of the certificate, for https.")
    ] = None
    tls_key: Annotated[
        Path | None, Flag("--tls-key", metavar="FILE"), Field(description="PEM file of its private key.")
    ] = None
    longest: _Seconds = 3600.0
    idle: _Seconds = 60.0
    message_bytes: Annotated[int, Field(ge=65_536, le=2**26)] = 4 * 2**20
    messages: Annotated[float, Field(gt=0)] = 200.0
    burst: Annotated[int, Field(ge=1)] = 2000
    drain: Annotated[
        float,
        Flag("--drain"),
        Field(ge=0, le=86_400, description="Seconds that conversations may go on behind the first SIGTERM."),
    ] = 30.0

    replicas: Annotated[
        int, Flag("--replicas"), Field(ge=1, le=1000, description="Servers on Ray Serve, each with a model of its own.")
    ] = 1
    address: Annotated[
        str | None, Flag("--address", metavar="RAY"), Field(description="Ray cluster of the replicas, as in HOST:6379.")
    ] = None

    @model_validator(mode="after")
    def _tls_by_two_files(self) -> "ServerSettings":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together; give both")
        return self
