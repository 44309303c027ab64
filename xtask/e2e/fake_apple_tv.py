#!/usr/bin/env python3
"""pyatv's fake Apple TV, from the tests in its source package, as a server.

    fake_apple_tv.py SOURCE PORT GUID     SOURCE is the unpacked package; GUID what came of pairing

It answers beside the rest `/pressed`: which button was pressed last, and how many were.
"""
import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])
from aiohttp import web  # noqa: E402
from tests.fake_device.dmap import FakeDmapService, FakeDmapState, FakeDmapUseCases  # noqa: E402

PICTURE = b"\x89PNG\r\n\x1a\nnot a picture"


async def main(port, guid):
    state = FakeDmapState("no home sharing", guid, 55555)
    app = web.Application()
    FakeDmapService(state, app, asyncio.get_running_loop())
    usual = FakeDmapUseCases(state)
    usual.example_music(title="Jet", artist="Wings", album="Band on the Run", total_time=49, position=22)
    usual.change_artwork(PICTURE, "image/png")

    async def pressed(_):
        return web.Response(text=json.dumps([state.last_button_pressed, state.buttons_press_count]))

    app.router.add_get("/pressed", pressed)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[2]), sys.argv[3]))
