"""scripts/v8.py: which place V8 is taken from, and that a bad file is named and passed over."""

import hashlib
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import fake_v8

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent
TARGET = "x86_64-unknown-linux-gnu"
NAME = f"librusty_v8_simdutf_release_{TARGET}.a.gz"
CACHED = "https___github_com_denoland_rusty_v8_releases_download_v150_4_0_librusty_v8_simdutf_release_x86_64_unknown_linux_gnu_a_gz"
GOOD = fake_v8.packed(fake_v8.archive())


class Upstream:
    """An HTTP server that answers every request the same way."""

    def __init__(self, body: bytes = b"", status: int = 200, promised: int | None = None, stall: bool = False):
        released = self.released = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.asked.append(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body) if promised is None else promised))
                self.end_headers()
                self.wfile.write(body)
                if stall:
                    released.wait(60)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.asked = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class V8(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.root = self.top / "copy"
        shutil.copytree(SCRIPTS, self.root / "scripts", ignore=shutil.ignore_patterns("tests", "__pycache__"))
        (self.root / "Cargo.lock").write_text(f'[[package]]\nname = "v8"\nversion = "{fake_v8.VERSION}"\n')
        self.home = self.top / "cargo"
        self.cached = self.home / ".rusty_v8" / CACHED

    def upstream(self, *args, **options) -> Upstream:
        server = Upstream(*args, **options)
        self.addCleanup(server.close)
        return server

    def get(self, upstream: str | None = None, **variables) -> subprocess.CompletedProcess:
        """Runs the script; without `upstream`, at an address where nobody listens."""
        if upstream is None:
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                upstream = f"http://127.0.0.1:{unused.getsockname()[1]}"
        own = ("RUSTY_V8_ARCHIVE", "RUSTY_V8_MIRROR", "PLINTH_V8_DIR", "CARGO_HOME", "http_proxy", "https_proxy")
        environment = {name: value for name, value in os.environ.items() if name not in own}
        command = [sys.executable, self.root / "scripts" / "v8.py", "--cargo-home", self.home, "--upstream", upstream]
        command += ["--target", TARGET, "--no-source-build"]
        return subprocess.run(
            command, env={**environment, **variables}, capture_output=True, text=True, timeout=120, check=False
        )

    def put(self, folder: pathlib.Path, content: bytes = GOOD, name: str = NAME) -> pathlib.Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return folder / name

    def put_shared(self, content: bytes = GOOD, listed: bytes = GOOD) -> None:
        shared = self.top / "shared" / "v8"
        self.put(shared, content)
        (shared / "SHA256SUMS").write_text(f"{hashlib.sha256(listed).hexdigest()}  {NAME}\n")

    def assert_got(self, done, place: str) -> None:
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, rf"(?m)^plinth: V8: {place}.* is good")
        self.assertEqual(self.cached.read_bytes(), GOOD)

    def test_nothing_anywhere_tells_of_every_place_within_seconds(self):
        start = time.monotonic()
        done = self.get()
        self.assertEqual(done.returncode, 1)
        self.assertLess(time.monotonic() - start, 20)
        places = ["cargo's cache", "RUSTY_V8_ARCHIVE", "PLINTH_V8_DIR", "third_party/v8", "../shared/v8", "upstream", "building it from source"]
        found = [done.stderr.find(f"V8: {place}") for place in places]
        self.assertNotIn(-1, found, done.stderr)
        self.assertEqual(found, sorted(found), "in order")
        self.assertFalse(self.cached.exists())

    def test_a_good_cache_is_all_that_is_looked_at(self):
        self.put(self.cached.parent, name=CACHED)
        done = self.get()
        self.assert_got(done, "cargo's cache")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_a_bad_cache_is_replaced(self):
        self.put(self.cached.parent, GOOD[: len(GOOD) // 2], CACHED)
        self.put_shared()
        done = self.get()
        self.assert_got(done, "../shared/v8")
        self.assertRegex(done.stderr, r"cargo's cache: .* is bad")

    def test_each_place_serves(self):
        named = self.put(self.top / "named", name="any-name")
        folder = self.put(self.top / "folder").parent
        plain = self.put(self.top / "plain", fake_v8.archive(), "librusty_v8.a").parent
        for place, variables in [
            ("RUSTY_V8_ARCHIVE", {"RUSTY_V8_ARCHIVE": str(named)}),
            ("PLINTH_V8_DIR", {"PLINTH_V8_DIR": str(folder)}),
        ]:
            with self.subTest(place):
                self.cached.unlink(missing_ok=True)
                self.assert_got(self.get(**variables), place)
        self.cached.unlink()
        self.assertEqual(self.get(PLINTH_V8_DIR=str(plain)).returncode, 0)
        self.assertEqual(self.cached.read_bytes(), fake_v8.archive(), "cargo's build takes an unpacked one, too")
        self.cached.unlink()
        self.put(self.root / "third_party" / "v8")
        self.assert_got(self.get(), "third_party/v8")

    def test_the_first_place_wins_and_bad_ones_before_it_are_named(self):
        bad = self.put(self.top / "bad", fake_v8.packed(fake_v8.archive(stated=b"14.9.1.1-rusty")))
        self.put(self.root / "third_party" / "v8")
        self.put_shared()
        done = self.get(RUSTY_V8_ARCHIVE=str(self.top / "gone"), PLINTH_V8_DIR=str(bad.parent))
        self.assert_got(done, "third_party/v8")
        self.assertIn("gone does not exist", done.stderr)
        self.assertRegex(done.stderr, r"PLINTH_V8_DIR: .* is bad: it is of another version")
        self.assertNotIn("shared", done.stderr)

    def test_the_shared_archive_must_have_its_sha256(self):
        self.put_shared(listed=b"another")
        done = self.get()
        self.assertEqual(done.returncode, 1)
        self.assertIn("its SHA-256 is", done.stderr)
        (self.top / "shared" / "v8" / "SHA256SUMS").unlink()
        self.assertIn("cannot be checked", self.get().stderr)
        self.assertFalse(self.cached.exists())

    def test_every_kind_of_bad_archive_is_refused(self):
        good = fake_v8.archive()
        bad = {
            "empty": b"",
            "no archive": b"<html>sign in to the hotel's network</html>",
            "packed, but no archive": fake_v8.packed(b"text"),
            "cut gzip": GOOD[:-100],
            "damaged gzip": GOOD[:500] + b"\xff" * 20 + GOOD[520:],
            "cut archive": fake_v8.packed(good[:-50]),
            "damaged header": fake_v8.packed(good.replace(b"f7.o/           0", b"f7.o/           x" + b"y" * 40, 1)),
            "symbols missing": fake_v8.packed(fake_v8.archive(symbols=fake_v8.SYMBOLS[1:])),
            "few members": fake_v8.packed(fake_v8.archive(members=10)),
            "another version": fake_v8.packed(fake_v8.archive(stated=b"13.0.1.1-rusty")),
        }
        for kind, content in bad.items():
            with self.subTest(kind):
                self.put(self.top / "bad", content)
                done = self.get(PLINTH_V8_DIR=str(self.top / "bad"))
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"PLINTH_V8_DIR: .* is bad: ")
                self.assertNotIn("Traceback", done.stderr)
        self.assertFalse(self.cached.exists())

    def test_upstream_serves(self):
        server = self.upstream(GOOD)
        self.assert_got(self.get(server.url), "upstream")
        self.assertEqual(server.server.asked, [f"/v{fake_v8.VERSION}/{NAME}"])

    def test_an_upstream_that_fails_is_given_up_within_seconds(self):
        upstreams = {
            "says no": (self.upstream(b"no", status=404), "Not Found"),
            "promises more": (self.upstream(GOOD, promised=len(GOOD) + 10), "ended after|timed out"),
            "stalls": (self.upstream(GOOD[:100], promised=len(GOOD), stall=True), "timed out"),
            "sends something else": (self.upstream(b"<html>"), "is bad"),
        }
        for kind, (server, reason) in upstreams.items():
            with self.subTest(kind):
                start = time.monotonic()
                done = self.get(server.url)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, rf"V8: upstream .*({reason})")
                self.assertLess(time.monotonic() - start, 20)
        self.assertFalse(self.cached.exists())

    def test_a_lock_file_without_v8_is_one_clear_line(self):
        (self.root / "Cargo.lock").write_text("")
        done = self.get()
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertIn('names no package "v8"', done.stderr)


if __name__ == "__main__":
    unittest.main()
