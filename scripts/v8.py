"""Gets V8's static library to where cargo's build of the `v8` crate looks for it.

The crate's build script reads `$CARGO_HOME/.rusty_v8/<the download's URL, mangled>` before it downloads. This script puts a
checked archive there, from the first place that has a good one, and prints one line for each place it tried.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request

import commands
import places
import v8_archive
import v8_source
from commands import say

CONNECT_SECONDS = 5  # to connect, and for each read: an upstream out of reach costs this much and no more
SLOWEST = 100_000  # bytes a second over a stretch of ten seconds; slower is a stalled transfer
STRETCH_SECONDS = 10


class Missing(Exception):
    """A place has no archive; the text says why."""


def main() -> int:
    options = _options()
    try:
        version = v8_archive.version(places.ROOT / "Cargo.lock")
    except v8_archive.Bad as error:
        raise commands.Failed(str(error)) from error
    name = v8_archive.file_name(options.target)
    url = f"{os.environ.get('RUSTY_V8_MIRROR') or v8_archive.UPSTREAM}/v{version}/{name}"
    cached = pathlib.Path(options.cargo_home) / ".rusty_v8" / v8_archive.cached_name(url)
    return 0 if _obtain(options, version, name, url, cached) else 1


def _obtain(options, version: str, name: str, url: str, cached: pathlib.Path) -> bool:
    """Tries each place in order until one has a good archive."""
    if _is_good_cache(cached, version):
        return True
    upstream = f"{options.upstream}/v{version}/{name}" if options.upstream else url
    ways = [
        ("RUSTY_V8_ARCHIVE", lambda scratch: _named_file("RUSTY_V8_ARCHIVE")),
        ("PLINTH_V8_DIR", lambda scratch: _in_named_folder("PLINTH_V8_DIR", name)),
        ("third_party/v8", lambda scratch: _in_folder(places.ROOT / "third_party" / "v8", name)),
        ("../shared/v8", lambda scratch: _in_folder(places.ROOT.parent / "shared" / "v8", name, sums_required=True)),
        (f"upstream ({upstream})", lambda scratch: (_download(upstream, scratch / name), None)),
    ]
    for place, find in ways:
        with tempfile.TemporaryDirectory(prefix="plinth-v8-") as scratch:
            if _try(place, find, pathlib.Path(scratch), cached, version):
                return True
    if options.no_source_build:
        say("V8: building it from source was ruled out by --no-source-build; there is no other way left")
        return False
    return _build(options, version, cached)


def _is_good_cache(cached: pathlib.Path, version: str) -> bool:
    if not cached.exists():
        say(f"V8: cargo's cache: no {cached.name}")
        return False
    try:
        v8_archive.check(cached, version)
    except v8_archive.Bad as error:
        say(f"V8: cargo's cache: {cached} is bad ({error}); it will be replaced")
        return False
    say(f"V8: cargo's cache: {cached.name} is good")
    return True


def _try(place: str, find, scratch: pathlib.Path, cached: pathlib.Path, version: str) -> bool:
    try:
        found, sha256 = find(scratch)
        v8_archive.check(found, version, sha256)
    except Missing as error:
        say(f"V8: {place}: {error}")
        return False
    except v8_archive.Bad as error:
        say(f"V8: {place}: {found} is bad: {error}")
        return False
    _install(found, cached)
    say(f"V8: {place}: {found} is good{' (SHA-256 checked)' if sha256 else ''}; copied to cargo's cache")
    return True


def _install(found: pathlib.Path, cached: pathlib.Path) -> None:
    """Copies in one step, so that no half file is ever at the place cargo reads."""
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as copy:
        with found.open("rb") as source:
            shutil.copyfileobj(source, copy, 1 << 20)
    os.chmod(copy.name, 0o644)
    os.replace(copy.name, cached)


def _named_file(variable: str):
    named = os.environ.get(variable)
    if not named:
        raise Missing("not set")
    if named.startswith(("http:", "https:")):
        raise Missing(f"{named} is an address, not a file; set RUSTY_V8_MIRROR to download from elsewhere")
    path = pathlib.Path(named)
    if not path.is_file():
        raise Missing(f"{path} does not exist")
    return path, None


def _in_named_folder(variable: str, name: str):
    named = os.environ.get(variable)
    if not named:
        raise Missing("not set")
    return _in_folder(pathlib.Path(named), name)


def _in_folder(folder: pathlib.Path, name: str, sums_required: bool = False):
    """The archive in a folder, with the SHA-256 that the folder's SHA256SUMS gives it."""
    if not folder.is_dir():
        raise Missing(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    for candidate in _spellings(name):
        path = folder / candidate
        if path.is_file():
            sha256 = _sums(folder).get(candidate)
            if sums_required and sha256 is None:
                raise Missing(f"{path} is there, but SHA256SUMS beside it does not list it, so it cannot be checked")
            return path, sha256
    raise Missing(f"{folder} has none of {', '.join(_spellings(name))}")


def _spellings(name: str) -> list[str]:
    """The names an archive may have in a folder: the release's, with `-` or `_` in the target, packed or not, or the linker's."""
    dashed = name
    underscored = name.removesuffix(".a.gz").replace("-", "_") + ".a.gz"
    packed = [dashed, underscored, "librusty_v8.a.gz"]
    return list(dict.fromkeys(packed + [spelling.removesuffix(".gz") for spelling in packed]))


def _sums(folder: pathlib.Path) -> dict[str, str]:
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        return {}
    rows = (line.split() for line in sums.read_text().splitlines())
    return {row[1].lstrip("*"): row[0].lower() for row in rows if len(row) == 2}


def _download(url: str, into: pathlib.Path) -> pathlib.Path:
    """Downloads within seconds or gives up: a host out of reach, and a transfer that stalls, are both `Missing`."""
    say(f"V8: upstream: asking {url}")
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer, into.open("wb") as file:
            _copy_steadily(answer, file, int(answer.headers.get("content-length") or 0))
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Missing(f"could not be downloaded: {reason}") from error
    return into


def _copy_steadily(answer, file, expected: int) -> None:
    done, mark, mark_done = 0, time.monotonic(), 0
    while chunk := answer.read1(1 << 18):
        file.write(chunk)
        done += len(chunk)
        elapsed = time.monotonic() - mark
        if elapsed >= STRETCH_SECONDS:
            if (done - mark_done) / elapsed < SLOWEST:
                raise OSError(f"the transfer stalled after {done:,} bytes")
            say(f"V8: upstream: {done // 1_000_000} MB" + (f" of {expected // 1_000_000} MB" if expected else ""))
            mark, mark_done = time.monotonic(), done
    if expected and done != expected:
        raise OSError(f"the transfer ended after {done:,} of {expected:,} bytes")


def _build(options, version: str, cached: pathlib.Path) -> bool:
    say(f"V8: no archive was found, so it is built from the sources of crate v8 {version}; {v8_source.EXPECTED_TIME}")
    try:
        built = v8_source.build(version, pathlib.Path(options.cargo_home), places.cache() / f"v8-{version}")
        v8_archive.check(built, version)
    except (commands.Failed, v8_archive.Bad) as error:
        say(f"V8: from source: {error}")
        return False
    _install(built, cached)
    say("V8: from source: built, checked and copied to cargo's cache")
    return True


def _options():
    machine = os.uname().machine
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cargo-home", default=str(places.cargo_home()), help="cargo's home (default: $CARGO_HOME or ~/.cargo)")
    parser.add_argument("--upstream", help="where releases are downloaded from, instead of the usual host")
    parser.add_argument("--target", default=f"{machine}-unknown-linux-gnu", help="the target the archive is for")
    parser.add_argument("--no-source-build", action="store_true", help="fail rather than build V8 from source")
    return parser.parse_args()


if __name__ == "__main__":
    commands.main(main)
