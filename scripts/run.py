"""Serves the sample functions and the default site from ./data, and prints how to try them.

The address is PLINTH_LISTEN (127.0.0.1:8000 unless set), the folder PLINTH_DATA (./data unless set).
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import commands
import places
from commands import Failed, say

LISTENING = "listening on "
READY_SECONDS = 60
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    os.chdir(places.ROOT)
    os.environ.setdefault("PLINTH_DATA", "data")
    server, url = _start()
    if url is None:
        return _ended(server)
    try:
        _wait_until_ready(url, server)
        keys = json.loads(commands.output_of(places.binary(), "keys", "--json"))
        names = _deploy_samples(url, keys["service_key"])
    except Failed as failure:
        server.terminate()
        server.wait()
        raise failure
    print(_invitation(url, keys, names), flush=True)
    return _ended(server)


def _start():
    """Starts the server and waits for its address, which is `None` when it ended before it had one."""
    command = [str(places.binary()), "serve"]
    if shutil.which("setpriv"):  # so that the server stops when this script is killed
        command = ["setpriv", "--pdeathsig", "TERM", "--", *command]
    # In a session of its own: a Ctrl-C reaches it once, from here, since a second one would stop it hard.
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: server.poll() is None and server.send_signal(number))
    for line in server.stdout:
        if line.startswith(LISTENING):
            threading.Thread(target=_pass_on, args=(server.stdout,), daemon=True).start()
            return server, line.removeprefix(LISTENING).strip()
        print(line, end="", flush=True)
    return server, None


def _pass_on(lines) -> None:
    for line in lines:
        print(line, end="", flush=True)


def _wait_until_ready(url: str, server) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None:
                raise Failed("the server ended before it was ready") from None
            time.sleep(0.05)
    raise Failed(f"the server at {url} is not ready after {READY_SECONDS} s; {url}/health/ready says what is missing")


def _deploy_samples(url: str, service_key: str) -> list[str]:
    here = {"PLINTH_URL": url, "PLINTH_SERVICE_KEY": service_key}
    folders = sorted(path for path in pathlib.Path("functions").iterdir() if path.is_dir())
    for folder in folders:
        say(commands.output_of(places.binary(), "functions", "deploy", folder, env=here).strip())
    return [folder.name for folder in folders]


def _ended(server) -> int:
    """Waits for the server's end; its exit code, or 128 and the signal that killed it."""
    code = server.wait()
    if code == 69:
        say("another address can be chosen: PLINTH_LISTEN=127.0.0.1:8080 make run")
    return code if code >= 0 else 128 - code


def _invitation(url: str, keys: dict, names: list[str]) -> str:
    return f"""
Plinth serves at   {url}/
API docs           {url}/docs/
functions          {", ".join(names)}

ANON_KEY={keys["anon_key"]}
SERVICE_KEY={keys["service_key"]}

Try it: paste the two lines above into another shell, then

curl -s {url}/auth/v1/signup -H "apikey: $ANON_KEY" -H 'content-type: application/json' \\
  -d '{{"email":"ada@example.com","password":"correct horse battery"}}'

curl -si {url}/functions/v1/hello -H "apikey: $ANON_KEY" -H "authorization: Bearer $ANON_KEY" \\
  -H 'content-type: application/json' -d '{{"name":"Ada"}}'

curl -s {url}/admin/v1/functions/hello/logs -H "authorization: Bearer $SERVICE_KEY"

README.md has the whole walk. Ctrl-C stops the server.
"""


if __name__ == "__main__":
    commands.main(main)
