"""A throwaway PostgreSQL server for a run of the tests, which is a process a test and so cannot share one by itself."""

import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

from commands import Failed, say

START_SECONDS = 60

# Nothing here outlives the run, so nothing is synced.
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=600", "max_locks_per_transaction=256", "deadlock_timeout=200ms")


@contextlib.contextmanager
def throwaway():
    """Starts a server and gives its address; stops it and removes its files in the end."""
    programs = _programs()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="plinth-pg-"))
    owner = _owner()
    try:
        if owner:
            shutil.chown(folder, owner, pwd.getpwnam(owner).pw_gid)
        port = _free_port()
        _initialize(programs, folder, owner)
        server = _start(programs, folder, owner, port)
        try:
            _wait_for(server, folder, port)
            yield f"postgres://plinth@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> pathlib.Path | None:
    """The folder with `initdb` and `postgres`: of the newest version Debian installed, or one on PATH."""
    installed = [path for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").is_file()]
    if installed:
        return max(installed, key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    return pathlib.Path(on_path).resolve().parent if on_path else None


def _programs() -> pathlib.Path:
    found = programs()
    if found is None:
        raise Failed("PostgreSQL is not installed: apt-get install postgresql")
    return found


def _owner() -> str | None:
    """Whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def _options(owner: str | None) -> dict:
    as_owner = {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []} if owner else {}
    return {**as_owner, "cwd": "/", "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}}


def _initialize(programs: pathlib.Path, folder: pathlib.Path, owner: str | None) -> None:
    command = [programs / "initdb", "--username=plinth", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run([*command, "-D", folder / "data"], capture_output=True, text=True, check=False, **_options(owner))
    if done.returncode != 0:
        raise Failed(f"initdb failed: {done.stderr.strip()}")


def _start(programs: pathlib.Path, folder: pathlib.Path, owner: str | None, port: int) -> subprocess.Popen:
    command = [programs / "postgres", "-D", folder / "data", "-k", folder, "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    for setting in SETTINGS:
        command += ["-c", setting]
    if shutil.which("setpriv"):  # so that it ends when this script is killed; INT is PostgreSQL's fast shutdown
        command = ["setpriv", "--pdeathsig", "INT", "--", *command]
    say(f"PostgreSQL for this run: {programs / 'postgres'}, port {port}")
    with (folder / "log").open("wb") as log:
        # A session of its own, so that a Ctrl-C reaches the tests first.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **_options(owner))


def _wait_for(server: subprocess.Popen, folder: pathlib.Path, port: int) -> None:
    give_up = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Failed(f"PostgreSQL for the tests did not start:\n{(folder / 'log').read_text()}")
