"""The server that is tormented, its processes, and what they hold."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import commands
from commands import Failed

LISTENING = "listening on "
SECONDS = 60

# Retries come soon, so that a run of minutes sees many.
CONFIG = """
[functions]
event_retry_wait = "200ms"
idle_timeout = "5s"
queue_timeout = "2s"
"""


class World:
    """One server on one data folder, killed and started again."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, database: str | None) -> None:
        self.folder = folder
        # Under a name of its own its processes are told from all others.
        self.program = folder / "plinth"
        try:
            os.link(binary, self.program)
        except OSError:
            commands.run("cp", binary, self.program, quiet=True)
        (folder / "plinth.toml").write_text(CONFIG)
        self.environment = {
            **os.environ, "PLINTH_CONFIG": str(folder / "plinth.toml"), "PLINTH_DATA": str(folder / "data"), "PLINTH_LISTEN": "127.0.0.1:0",
            "PLINTH_LOG_ACCESS": "false",
        }  # fmt: skip
        if database:
            self.environment |= {"DATABASE_URL": database, "PLINTH_MASTER_KEY": "a1" * 32}
        self.server: subprocess.Popen | None = None
        self.port = 0
        self.lock = threading.Lock()
        self.start()
        self.keys = json.loads(commands.output_of(self.program, "keys", "--json", env=self.environment))

    def start(self) -> None:
        """Starts the server, on the port that it had before."""
        log = open(self.folder / "log", "ab")
        self.server = subprocess.Popen(
            [self.program, "serve"], stdout=subprocess.PIPE, stderr=log, env=self.environment, text=True, start_new_session=True
        )
        log.close()
        line = next((line for line in self.server.stdout if line.startswith(LISTENING)), None)
        if line is None:
            raise Failed(f"the server did not start; {self.folder}/log says why")
        self.port = int(line.strip().rsplit(":", 1)[1])
        self.environment["PLINTH_LISTEN"] = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.server.stdout.read, daemon=True).start()
        give_up = time.monotonic() + SECONDS
        while not self._is_ready():
            if time.monotonic() > give_up or self.server.poll() is not None:
                raise Failed(f"the server is not ready; {self.folder}/log says why")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return self.send("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def kill(self) -> float:
        """SIGKILL, and a new start; how long the workers of the dead server lived on, in seconds."""
        before = self.workers()
        self.server.kill()
        self.server.wait()
        ended = time.monotonic()
        while any(os.path.exists(f"/proc/{pid}/exe") for pid in before):
            if time.monotonic() - ended > SECONDS:
                raise Failed("workers outlive the server that they belonged to")
            time.sleep(0.01)
        outlived = time.monotonic() - ended
        self.start()
        return outlived

    def restart(self) -> None:
        """SIGTERM, and a new start."""
        self.stop()
        self.start()

    def stop(self) -> None:
        self.server.send_signal(signal.SIGTERM)
        try:
            code = self.server.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed(f"the server does not stop within {SECONDS} s of SIGTERM") from None
        if code != 0:
            raise Failed(f"the server stopped with exit code {code}; {self.folder}/log says why")

    def processes(self) -> list[int]:
        """Every process of this program that lives."""
        pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return [pid for pid in pids if _program(pid) == str(self.program)]

    def workers(self) -> list[int]:
        return [pid for pid in self.processes() if pid != self.server.pid]

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def memory(self) -> int:
        """Resident bytes of the server itself."""
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None, seconds: float = 30) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def admin(self, method: str, path: str, body=None, headers: dict | None = None) -> object:
        """A request with the service key that must succeed; what it answers, as JSON."""
        headers = {"authorization": f"Bearer {self.keys['service_key']}", **(headers or {})}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None and not isinstance(body, bytes):
            headers["content-type"] = "application/json"
        status, answer = self.send(method, path, data, headers)
        if not 200 <= status < 300:
            raise Failed(f"{method} {path} is answered {status}: {answer.decode(errors='replace')}")
        return json.loads(answer) if answer else None


def _program(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None
