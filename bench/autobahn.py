"""Runs the Autobahn test suite against an echo server with the WebSocket settings of `handrail serve`.

    python2.7 -m virtualenv wstest && wstest/bin/pip install autobahntestsuite==25.10.1
    python -m bench.autobahn --python wstest/bin/python --out reports

The suite needs a server that echoes, which the chat is not; what is tested is everything below it: uvicorn, websockets
and our bounds. Left out: 9.* (messages of up to 16 MiB; ours end at 64 KiB, by 1009) and 12.*, 13.* (compression, which
is off since idle sockets would cost far more). Ends with status 1 where a case fails.
"""

import argparse
import json
import socket
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

from bot.server.serve import server_config
from bot.settings.settings import load_settings

LEFT_OUT = ["9.*", "12.*", "13.*"]
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
WITHIN_S = 600
RUN = "import sys; from autobahntestsuite.wstest import run; sys.argv = ['wstest', '-m', 'fuzzingclient', '-s', {!r}]; run()"

Message = MutableMapping[str, Any]


async def echo(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """An ASGI application that sends back every message."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        content = {name: message[name] for name in ("text", "bytes") if message.get(name) is not None}
        await send({"type": "websocket.send", **content})


def run(python: Path, out: Path) -> Counter[str]:
    """How often each behaviour was seen, and `closing: ...` for how connections ended; details are below `out`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(server_config(echo, load_settings()))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        spec = {
            "outdir": str(out),
            "servers": [{"agent": "handrail", "url": url}],
            "cases": ["*"],
            "exclude-cases": LEFT_OUT,
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(spec, file)
            file.flush()
            subprocess.run(
                [python, "-c", RUN.format(file.name)], check=True, timeout=WITHIN_S, stdout=subprocess.DEVNULL
            )
        server.should_exit = True
        thread.join()
    cases = json.loads((out / "index.json").read_text("utf-8"))["handrail"]
    for name, case in cases.items():
        if not PASSED.issuperset({case["behavior"], case["behaviorClose"]}):
            print(f"{name}: {case['behavior']}, closing {case['behaviorClose']}")
    return Counter(case["behavior"] for case in cases.values()) + Counter(
        f"closing: {case['behaviorClose']}" for case in cases.values()
    )


def main() -> None:
    """Run it and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="the Python 2.7 that has autobahntestsuite")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write the suite's own report")
    args = parser.parse_args()
    behaviours = run(args.python.absolute(), args.out.absolute())
    for behaviour, count in sorted(behaviours.items()):
        print(f"{count:5} {behaviour}")
    raise SystemExit(any(behaviour.removeprefix("closing: ") not in PASSED for behaviour in behaviours))


if __name__ == "__main__":
    main()
