"""What functions did, told by themselves: a server on this machine that notes each effect, and outlives all faults."""

import collections
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    def handle_error(self, *_) -> None:
        """The other side of a connection was killed: that is what is wanted here."""


class Ledger:
    """Notes `POST /KIND/ID/REQUEST`: a call of this kind, for this piece of work, ran under this request id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, collections.Counter]] = {}
        ledger = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                _, kind, work, request = self.path.split("/", 3)
                ledger._note(kind, work, request)
                self.send_response(204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def _note(self, kind: str, work: str, request: str) -> None:
        with self._lock:
            self._seen.setdefault(kind, {}).setdefault(work, collections.Counter())[request] += 1

    def seen(self, kind: str) -> dict[str, collections.Counter]:
        """For each piece of work of a kind: under which request ids it ran, and how often."""
        with self._lock:
            return {work: requests.copy() for work, requests in self._seen.get(kind, {}).items()}

    def close(self) -> None:
        self._server.shutdown()
