"""Starts Plinth and its peers, each on a free port of the loopback address."""

import json
import os
import pathlib
import pwd
import select
import socket
import subprocess
import time

from commands import Failed

from . import client, peers
from .bench import PEERS, Bench, say

START_DEADLINE = 60.0


class Server:
    """A server that runs. `started` is when its process was asked for (seconds of `time.perf_counter`)."""

    def __init__(self, name: str, command: list, folder: pathlib.Path, env: dict[str, str] | None = None):
        self.name = name
        self.port = 0
        self._errors = folder / f"{name.split()[0]}.stderr"
        self._command, self._env, self._folder = [str(part) for part in command], env, folder
        self.start_again()

    def start_again(self) -> None:
        """Starts it, or starts it anew after it was stopped."""
        with self._errors.open("ab") as errors:
            self.started = time.perf_counter()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=self._env, cwd=self._folder,
            )  # fmt: skip
        self.pid = self._process.pid

    def line(self, begins: str) -> str:
        """The first line on stdout that begins so; waits for it."""
        until = time.monotonic() + START_DEADLINE
        text = b""
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._process.stdout], [], [], left)[0]:
                break
            part = os.read(self._process.stdout.fileno(), 4096)
            if not part:
                break
            text += part
            for line in text.decode(errors="replace").splitlines(keepends=True):
                if line.startswith(begins) and line.endswith("\n"):
                    return line.strip()
        self.fail("did not say where it listens")

    def wait_for(self, path: str) -> None:
        """Waits until a GET is answered 200."""
        until = time.monotonic() + START_DEADLINE
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with client.Client(self.port) as connection:
                    if connection.send("GET", path).status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.0005)
        self.fail(f"did not answer {path}")

    def fail(self, what: str):
        self.stop()
        tail = "\n".join(self._errors.read_text(errors="replace").splitlines()[-8:])
        raise Failed(f"{self.name} {what} (exit code {self._process.returncode})\n{tail}")

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                say(f"    {self.name} did not stop when asked, and is killed")
                self._process.kill()
                self._process.wait()
        self._process.stdout.close()


class Plinth(Server):
    """The server under test, with its keys."""

    def __init__(self, bench: Bench, data: pathlib.Path | None = None, **settings):
        data = data or bench.new_folder("plinth")
        # Only these settings, whatever the shell of whoever runs the benchmarks has set.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PLINTH_") and name != "DATABASE_URL"}
        env |= {"PLINTH_LOG_ACCESS": "false", "PLINTH_SERVER_SHUTDOWN_TIMEOUT": "3s"}
        env |= {f"PLINTH_{name.upper()}": str(value) for name, value in settings.items()}
        super().__init__("plinth", [bench.plinth, "serve", "--data", data, "--listen", "127.0.0.1:0"], bench.new_folder("log"), env)
        self.port = int(self.line("listening on ").rpartition(":")[2])
        self.wait_for("/health/ready")
        self.ready_ms = (time.perf_counter() - self.started) * 1e3
        shown = subprocess.run([bench.plinth, "keys", "--data", data, "--json"], env=env, capture_output=True, text=True, check=False)
        if shown.returncode != 0:
            self.fail(f"keys cannot be had: {shown.stderr}")
        keys = json.loads(shown.stdout)
        self._service_key = keys["service_key"]
        self.anon = {"apikey": keys["anon_key"]}
        self.access_key = (keys["access_key_id"], keys["secret_access_key"])

    def deploy(self, name: str, source: str, config: dict | None = None) -> None:
        headers = {"content-type": "text/javascript", "x-plinth-config": json.dumps(config or {})}
        self.admin("PUT", f"/admin/v1/functions/{name}", headers, source.encode())

    def admin(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> dict:
        """A request with the service key; what it is answered."""
        with client.Client(self.port) as connection:
            answer = connection.send(method, path, {"authorization": f"Bearer {self._service_key}", **(headers or {})}, body)
        if answer.status not in (200, 201):
            self.fail(f"answered {method} {path} with {answer.status}: {answer.body.decode(errors='replace')}")
        return json.loads(answer.body)


def free_port() -> int:
    """A port for a server that takes no 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def node(bench: Bench, script: str = "server.mjs") -> Server:
    """Node's http server with the trivial answer, or what another script has it answer."""
    server = Server("node", [peers.node(), PEERS / script], bench.new_folder("node"))
    server.port = json.loads(server.line('{"event":"listen"'))["port"]
    return server


def deno(bench: Bench, worker: str = "worker.js") -> Server:
    """Deno with a worker that other servers run, too. Its cache is in the run's own folder."""
    folder = bench.new_folder("deno")
    env = {**os.environ, "DENO_DIR": str(folder / "cache"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    command = [peers.deno(), "run", "--quiet", "--allow-net", f"--allow-read={PEERS}", PEERS / "deno.js", f"./{worker}"]
    server = Server("deno", command, folder, env)
    server.port = json.loads(server.line('{"event":"listen"'))["port"]
    return server


def workerd(bench: Bench, config: str = "worker.capnp") -> Server:
    """workerd with the trivial worker, or what another configuration says; its worker loader is still an experimental feature."""
    experimental = ["--experimental"] if config == "loader.capnp" else []
    command = [peers.workerd(), "serve", PEERS / config, *experimental, "--control-fd=1"]
    server = Server("workerd", command, bench.new_folder("workerd"))
    server.port = json.loads(server.line('{"event":"listen"'))["port"]
    return server


def nginx(bench: Bench, root: pathlib.Path, cache: bool) -> Server:
    """nginx for the files of `root`; `cache` lets it keep files open, which is off by default."""
    folder = bench.new_folder("nginx")
    port = free_port()
    text = (PEERS / "nginx.conf").read_text()
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    cached = "open_file_cache max=1000 inactive=60s;" if cache else ""
    for name, value in {"USER": user, "FOLDER": folder, "ROOT": root, "PORT": port, "CACHE": cached}.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "nginx.conf").write_text(text)
    server = Server("nginx", [peers.nginx(), "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "error.log"], folder)
    server.port = port
    server.wait_for("/1k.txt")
    return server
