"""Files: downloads beside nginx, small objects beside another S3 server, and the memory that large ones take."""

import base64
import json
import pathlib
import socket
import time

from commands import Failed
from harness import client, load, peers, processes, s3, servers
from harness.bench import Bench, running
from harness.report import Report, Table, Verdict, number, ratio

KIB, MIB = 1 << 10, 1 << 20
SIZES = {"1 KiB": (KIB, 64), "100 MiB": (100 * MIB, 4)}
SMALL = 4 * KIB
LARGE = 5 * 10**9
PART = 64 * MIB
PIECE = b"\0" * MIB
MORE_MB = 64
SETTLE = 1.0
S3_DOOR = "/storage/v1/s3"


def run(bench: Bench) -> Report:
    report = Report()
    _downloads(bench, report)
    _objects(bench, report)
    _memory(bench, report)
    return report


def _downloads(bench: Bench, report: Report) -> None:
    root = bench.new_folder("files")
    for size, _ in SIZES.values():
        (root / f"{size}.txt").write_bytes(b"\0" * size)
    (root / "1k.txt").write_bytes(b"\0" * KIB)
    with running({"plinth": lambda: Files(bench), "nginx": lambda: servers.nginx(bench, root, cache=False)}) as started:
        for label, (size, connections) in SIZES.items():
            started["plinth"].upload(f"{size}.txt", size)
            paths = {"plinth": f"/storage/v1/object/public/files/{size}.txt", "nginx": f"/{size}.txt"}
            for name, server in started.items():
                _expect(server, paths[name], size)
                load.warm_up(server, paths[name], bench.quick)
            turns = {name: [] for name in started}
            for _, name in bench.turns(list(started)):
                turns[name].append(load.put(started[name], paths[name], connections, bench.seconds))
            ours, theirs = (load.median_rate(turns[name]) for name in ("plinth", "nginx"))
            notes = [f"plinth ÷ nginx: requests/s {ratio(ours, theirs)}; {number(ours * size / 1e6)} MB/s against {number(theirs * size / 1e6)}"]
            report.tables.append(load.table(f"Download of a public object of {label}, {connections} connections", turns, notes))


def _objects(bench: Bench, report: Report) -> None:
    """Plinth syncs each object and its row before it answers; SeaweedFS does not."""
    with running({"plinth": lambda: Files(bench), "seaweedfs": lambda: SeaweedFs(bench)}) as started:
        for server in started.values():
            server.make_bucket()
            _sent(server, "PUT", server.presigned("PUT", "small"), b"\0" * SMALL)
        for what, method, connections in (("GET", "GET", 64), ("PUT", "PUT", 16)):
            turns = {name: [] for name in started}
            for _, name in bench.turns(list(started)):
                server = started[name]
                path = server.presigned(method, "small" if method == "GET" else f"small-{len(turns[name])}")
                body = "x" * SMALL if method == "PUT" else ""
                turns[name].append(load.put(server, path, connections, bench.seconds, body=body, method=method))
            ours, theirs = (load.median_rate(turns[name]) for name in ("plinth", "seaweedfs"))
            notes = [f"plinth ÷ seaweedfs: requests/s {ratio(ours, theirs)}. {_objects.__doc__}"]
            report.tables.append(load.table(f"S3 {what} of 4 KiB, presigned, {connections} connections", turns, notes))


def _memory(bench: Bench, report: Report) -> None:
    size = LARGE // 20 if bench.quick else LARGE
    rows, worst = [], 0.0
    for what, put in (("plain", _plain), ("TUS", _resumable), ("S3 multipart", _multipart)):
        with running({"plinth": lambda: Files(bench)}) as started:
            server = started["plinth"]
            server.make_bucket()
            time.sleep(SETTLE)
            idle = processes.memory(server.pid)["rss"]
            up, up_seconds = _peak(server, lambda: put(server, size))
            path = server.presigned("GET", "large") if what.startswith("S3") else "/storage/v1/object/public/files/large"
            down, down_seconds = _peak(server, lambda: _receive(server.port, path, size))
        worst = max(worst, up - idle, down - idle)
        rates = (number(size / 1e6 / seconds) for seconds in (up_seconds, down_seconds))
        rows.append([what, number(idle), number(up - idle), number(down - idle), *rates])
    columns = ["", "idle MB", "more at the upload's peak", "more at the download's peak", "MB/s up", "MB/s down"]
    report.tables.append(Table(f"Memory of the server for one object of {number(size / 1e9)} GB, local disk", columns, rows))
    report.verdicts.append(Verdict("one large object up and down: memory over idle", f"< {MORE_MB} MB", f"{number(worst)} MB", worst < MORE_MB))


class Files(servers.Plinth):
    """Plinth with a public bucket."""

    prefix = S3_DOOR

    def __init__(self, bench: Bench):
        super().__init__(bench, functions_spares=0)
        self.service = {"apikey": self._service_key, "authorization": f"Bearer {self._service_key}"}
        body = json.dumps({"name": "files", "public": True}).encode()
        _sent(self, "POST", "/storage/v1/bucket", body, {**self.service, "content-type": "application/json"})

    def make_bucket(self) -> None:
        """It is there already."""

    def upload(self, name: str, size: int) -> None:
        _send_large(self.port, "POST", f"/storage/v1/object/files/{name}", {**self.service, "content-type": "text/plain"}, size)

    def presigned(self, method: str, name: str, query: dict[str, str] | None = None) -> str:
        return s3.presigned(method, self.port, f"{self.prefix}/files/{name}", *self.access_key, query)


class SeaweedFs(servers.Server):
    """SeaweedFS: its master, one volume, its filer and its S3 server in one process."""

    KEY = ("bench", "bench-secret")

    def __init__(self, bench: Bench):
        folder = bench.new_folder("seaweedfs")
        identity = {"name": "bench", "credentials": [{"accessKey": self.KEY[0], "secretKey": self.KEY[1]}], "actions": ["Admin", "Read", "Write", "List"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        ports = {name: servers.free_port() for name in ("master.port", "volume.port", "filer.port", "s3.port")}
        flags = [f"-{name}={port}" for name, port in ports.items()] + [f"-{name.split('.')[0]}.port.grpc={servers.free_port()}" for name in ports]
        command = [peers.seaweedfs(), "server", f"-dir={folder}", "-ip=127.0.0.1", "-s3", "-filer", f"-s3.config={folder / 's3.json'}", *flags]
        super().__init__("seaweedfs", command, folder)
        self.port = ports["s3.port"]
        self.wait_for("/healthz")

    def make_bucket(self) -> None:
        until = time.monotonic() + servers.START_DEADLINE
        while time.monotonic() < until:
            with client.Client(self.port) as connection:
                if connection.send("PUT", s3.presigned("PUT", self.port, "/files", *self.KEY)).status < 300:
                    return
            time.sleep(0.2)
        self.fail("did not make a bucket")

    def presigned(self, method: str, name: str, query: dict[str, str] | None = None) -> str:
        return s3.presigned(method, self.port, f"/files/{name}", *self.KEY, query)


def _plain(server: Files, size: int) -> None:
    server.upload("large", size)


def _resumable(server: Files, size: int) -> None:
    about = {"bucketName": "files", "objectName": "large", "contentType": "application/octet-stream"}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in about.items())
    headers = {**server.service, "tus-resumable": "1.0.0"}
    made = _sent(server, "POST", "/storage/v1/upload/resumable", b"", {**headers, "upload-length": str(size), "upload-metadata": metadata})
    path = "/" + made.headers["location"].split("://", 1)[-1].split("/", 1)[1]
    patch = {**headers, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    _send_large(server.port, "PATCH", path, patch, size)


def _multipart(server: Files, size: int) -> None:
    text = _sent(server, "POST", server.presigned("POST", "large", {"uploads": ""})).body.decode()
    upload = text.split("<UploadId>")[1].split("<")[0]
    parts = []
    for number_, first in enumerate(range(0, size, PART), 1):
        path = server.presigned("PUT", "large", {"partNumber": str(number_), "uploadId": upload})
        answer = _send_large(server.port, "PUT", path, {}, min(PART, size - first))
        parts.append(f"<Part><PartNumber>{number_}</PartNumber><ETag>{answer.headers['etag']}</ETag></Part>")
    body = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>"
    _sent(server, "POST", server.presigned("POST", "large", {"uploadId": upload}), body.encode())


def _peak(server: servers.Server, work) -> tuple[float, float]:
    """The most memory the server's process had in RAM while it worked (MB), and the seconds it took."""
    proc = pathlib.Path(f"/proc/{server.pid}")
    (proc / "clear_refs").write_text("5")
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    peak = next(line for line in (proc / "status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024 / 1e6, took


def _sent(server: servers.Server, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> client.Answer:
    with client.Client(server.port) as connection:
        answer = connection.send(method, path, headers, body)
    if answer.status >= 300:
        raise Failed(f"{server.name} answered {method} {path} with {answer.status}: {answer.body[:500].decode(errors='replace')}")
    return answer


def _send_large(port: int, method: str, path: str, headers: dict[str, str], size: int) -> client.Answer:
    with client.Client(port) as connection:
        answer = connection.send_pieces(method, path, {**headers, "content-length": str(size)}, _pieces(size))
    if answer.status >= 300:
        raise Failed(f"{method} {path} was answered with {answer.status}: {answer.body[:500].decode(errors='replace')}")
    return answer


def _pieces(size: int):
    for first in range(0, size, len(PIECE)):
        yield PIECE[: min(len(PIECE), size - first)]


def _receive(port: int, path: str, size: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n".encode())
        buffer, received = bytearray(MIB), 0
        while count := connection.recv_into(buffer):
            received += count
    if received < size:
        raise Failed(f"{path} sent {received} bytes of {size}")


def _expect(server: servers.Server, path: str, size: int) -> None:
    with client.Client(server.port) as connection:
        answer = connection.send("GET", path)
    if answer.status != 200 or len(answer.body) != size:
        raise Failed(f"{server.name} answered {path} with {answer.status} and {len(answer.body)} bytes")
