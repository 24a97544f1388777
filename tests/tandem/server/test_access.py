"""Who is let in: tokens in every form that clients have, pages of other sites, and names of other sites."""

import asyncio
import base64

import aiohttp
import pytest
from starlette.requests import HTTPConnection

from kame_data.errors import UsageError
from kame_data.tandem.server.access import Access, is_loopback, token_of
from tandem.server.scripted import running, tandem

TOKEN = "a-token-of-16-characters"
BARE = base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_alone_needs_no_token(host):
    assert is_loopback(host) and token_of(host, {}) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "my.site", ""])
def test_every_other_host_needs_one(host):
    with pytest.raises(UsageError, match="KAME_DATA_TOKEN"):
        token_of(host, {})
    assert token_of(host, {"KAME_DATA_TOKEN": TOKEN}) == TOKEN


@pytest.mark.parametrize("token", ["short", "with a space in the middle", "umlauts-are-no-ascii-äöü"])
def test_a_token_that_is_no_secret_is_refused_and_not_shown(token):
    with pytest.raises(UsageError) as error:
        token_of("127.0.0.1", {"KAME_DATA_TOKEN": token})
    assert token not in str(error.value)


async def status_of(http, url, headers=None, protocols=()):
    try:
        async with http.ws_connect(url, headers=headers or {}, protocols=protocols) as socket:
            return 101, socket.protocol
    except aiohttp.WSServerHandshakeError as error:
        return error.status, None


def basic(password):
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


SHOWN = [
    ("", {}, (), 401),
    ("", {"Authorization": f"Bearer {TOKEN}"}, (), 101),
    ("", {"Authorization": f"Bearer {TOKEN}x"}, (), 401),
    ("", {"Authorization": "Bearer "}, (), 401),
    ("", basic(TOKEN), (), 101),
    ("", basic("another"), (), 401),
    ("", {"Authorization": "Basic %%%"}, (), 401),
    (f"?token={TOKEN}", {}, (), 101),
    (f"?worker_auth_id={TOKEN}", {}, (), 101),
    ("?token=", {}, (), 401),
    ("", {}, ("kame", f"token.{BARE}"), 101),
    ("", {}, ("kame", f"openai-insecure-api-key.{TOKEN}"), 101),
    ("", {}, ("kame", "token.x"), 401),
]


def test_the_token_is_taken_in_every_form_and_never_sent_back():
    async def run():
        async with running(tandem(8), token=TOKEN) as server, aiohttp.ClientSession() as http:
            for query, headers, protocols, expected in SHOWN:
                status, spoken = await status_of(http, f"{server.ws}/ws{query}", headers, protocols)
                assert status == expected, (query, headers, protocols)
                assert spoken == ("kame" if status == 101 and protocols else None)
            assert (await http.get(f"{server.url}/metrics")).status == 401
            page = await http.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
            assert page.status == 200 and TOKEN not in await page.text()
            assert 'kame_refused_total{status="401"}' in await page.text()
            for path in ("/", "/healthz", "/readyz"):
                assert (await http.get(f"{server.url}{path}")).status == 200

    asyncio.run(run())


ORIGINS = [
    ({}, 101),
    ({"Origin": "http://127.0.0.1:{port}"}, 101),
    ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "https://my.site"}, 101),
    ({"Origin": "http://my.site"}, 403),
    # A page whose own name was given this machine's address.
    ({"Origin": "http://evil.example", "Host": "evil.example"}, 403),
    ({"Host": "evil.example"}, 403),
    ({"Host": "localhost:{port}", "Origin": "http://localhost:{port}"}, 101),
    ({"Host": "[::1"}, 403),
]


def test_pages_of_other_sites_are_refused_unless_they_are_named():
    async def run():
        async with running(tandem(8), origins=("https://my.site/",)) as server, aiohttp.ClientSession() as http:
            for path in ("/ws", "/api/chat", "/v1/realtime"):
                for headers, expected in ORIGINS:
                    filled = {name: value.format(port=server.port) for name, value in headers.items()}
                    status, _ = await status_of(http, f"{server.ws}{path}", filled)
                    assert status == expected, (path, headers)
            assert (await http.get(f"{server.url}/", headers={"Host": "evil.example"})).status == 403

    asyncio.run(run())


def test_a_token_in_letters_that_are_no_ascii_is_only_wrong():
    scope = {"type": "http", "headers": [(b"authorization", "Bearer äöü".encode("latin-1"))], "query_string": b""}
    refused = Access(TOKEN).check_token(HTTPConnection(scope))
    assert refused is not None and refused.status == 401
