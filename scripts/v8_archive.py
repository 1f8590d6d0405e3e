"""V8's static library as a file: what it must be called, and whether a file really is one."""

import gzip
import hashlib
import pathlib
import re
import zlib

UPSTREAM = "https://github.com/denoland/rusty_v8/releases/download"

MAGIC = b"!<arch>\n"
HEADER = 60  # bytes of an archive member's header

# Symbols of the C++ side that the Rust crate links against, one for each layer of it.
SYMBOLS = (b"v8__V8__Initialize", b"v8__Isolate__New", b"v8__Context__New", b"v8__Script__Compile", b"v8__SnapshotCreator__CreateBlob")
MEMBERS = 1000  # V8 has some 1,860 object files; an archive with few is of something else


class Bad(Exception):
    """Why a file is not V8's archive."""


def version(lock: pathlib.Path) -> str:
    """The version of the `v8` crate that `Cargo.lock` names."""
    found = re.search(r'\[\[package\]\]\nname = "v8"\nversion = "([^"]+)"', lock.read_text())
    if found is None:
        raise Bad(f"{lock} names no package \"v8\"")
    return found.group(1)


def file_name(target: str) -> str:
    """The archive's name in a release, for the features this project builds V8 with."""
    return f"librusty_v8_simdutf_release_{target}.a.gz"


def cached_name(url: str) -> str:
    """The name the crate's build script looks for in cargo's cache before it downloads `url`."""
    return re.sub(r"[^A-Za-z0-9]", "_", url)


def check(path: pathlib.Path, v8_version: str, sha256: str | None = None) -> None:
    """Opens a file to its end and raises `Bad` unless it is V8's archive, whole and of this version."""
    try:
        if sha256 is not None:
            _check_sum(path, sha256)
        with _opened(path) as stream:
            _check_archive(stream, v8_version)
    except (OSError, EOFError, zlib.error) as error:
        raise Bad(f"it cannot be read to its end: {error}") from error


def _check_sum(path: pathlib.Path, expected: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != expected:
        raise Bad(f"its SHA-256 is {digest.hexdigest()}, SHA256SUMS says {expected}")


def _opened(path: pathlib.Path):
    with path.open("rb") as stream:
        compressed = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if compressed else path.open("rb")


def _check_archive(stream, v8_version: str) -> None:
    """Walks the members to the end of the file, so that a cut or damaged one shows."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise Bad("it is not a static library (no `!<arch>` at its start)")
    members, symbols, stated, tail = 0, b"", None, b""
    wanted = _version_pattern(v8_version)
    while header := stream.read(HEADER):
        if len(header) < HEADER or header[58:60] != b"`\n":
            raise Bad(f"it is damaged after {members} members")
        size = _size(header)
        if header[:16].rstrip() in (b"/", b"/SYM64/"):
            symbols = _exactly(stream, size)
        else:
            members += 1
            left = size
            while left:
                chunk = _exactly(stream, min(left, 1 << 20))
                left -= len(chunk)
                if stated is None:
                    stated = wanted.search(tail + chunk)
                    tail = chunk[-32:]
        stream.read(size % 2)
    names = set(symbols.split(b"\0"))
    missing = [symbol.decode() for symbol in SYMBOLS if symbol not in names]
    if missing:
        raise Bad(f"it is not V8 for the `v8` crate: it has no {', '.join(missing)}")
    if members < MEMBERS:
        raise Bad(f"it has only {members} members")
    if stated is None:
        raise Bad(f"it is of another version than the crate's {v8_version}")


def _size(header: bytes) -> int:
    try:
        return int(header[48:58])
    except ValueError as error:
        raise Bad("a member's size in it is not a number") from error


def _exactly(stream, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise Bad("it ends too early")
    return data


def _version_pattern(v8_version: str) -> re.Pattern:
    """What V8 15.0 calls itself inside the archive of crate 150.x: `15.0.245.2-rusty`."""
    major = int(v8_version.split(".", 1)[0])
    return re.compile(rb"%d\.%d\.\d+\.\d+-rusty" % (major // 10, major % 10))
