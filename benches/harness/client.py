"""A small HTTP/1.1 client that knows when the first byte of an answer came."""

import dataclasses
import json
import socket
import time
from collections.abc import Iterator

DEADLINE = 30.0


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    first_byte: float
    """Seconds from the request's last byte sent to the answer's first byte."""

    def phases(self) -> dict[str, float]:
        """The `Server-Timing` header: milliseconds by name."""
        phases = {}
        for part in self.headers.get("server-timing", "").split(","):
            name, _, rest = part.strip().partition(";")
            for parameter in rest.split(";"):
                key, _, value = parameter.strip().partition("=")
                if key == "dur":
                    phases[name] = float(value)
        return phases


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int):
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        head = {"host": f"127.0.0.1:{self._port}", "content-length": str(len(body)), **(headers or {})}
        text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\n"
        message = text.encode() + body
        began = time.perf_counter()
        self._socket.sendall(message)
        received = self._receive()
        first_byte = time.perf_counter() - began
        return self._answer(received, first_byte)

    def send_pieces(self, method: str, path: str, headers: dict[str, str], pieces: Iterator[bytes]) -> Answer:
        """A request whose body is made while it is sent; `headers` say how long it is, or that it is chunked."""
        head = {"host": f"127.0.0.1:{self._port}", **headers}
        text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\n"
        self._socket.sendall(text.encode())
        for piece in pieces:
            self._socket.sendall(piece)
        sent = time.perf_counter()
        received = self._receive()
        return self._answer(received, time.perf_counter() - sent)

    def _receive(self) -> bytes:
        received = self._socket.recv(1 << 18)
        if not received:
            raise ConnectionError("the server closed the connection")
        return received

    def _answer(self, received: bytes, first_byte: float) -> Answer:
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            while not body.endswith(b"0\r\n\r\n"):
                body += self._receive()
            body = _joined(body)
        else:
            while len(body) < int(headers.get("content-length", 0)):
                body += self._receive()
        return Answer(status, headers, body, first_byte)


def _joined(chunks: bytes) -> bytes:
    """The body that was sent in chunks."""
    body = b""
    while (length := int(chunks.partition(b"\r\n")[0].partition(b";")[0], 16)) > 0:
        begin = chunks.index(b"\r\n") + 2
        body += chunks[begin : begin + length]
        chunks = chunks[begin + length + 2 :]
    return body


def post_json(port: int, path: str, body: dict, headers: dict[str, str]) -> Answer:
    with Client(port) as client:
        return client.send("POST", path, {**headers, "content-type": "application/json"}, json.dumps(body).encode())
