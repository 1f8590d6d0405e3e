"""scripts/run.py: starts a server, deploys the samples, forwards signals, gives the server's exit code."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent

# Stands for the built binary: prints an address, answers for keys, records deployments, counts its signals.
FAKE = f"""#!{sys.executable}
import http.server, json, os, pathlib, signal, sys, threading, time
what = sys.argv[1]
if what == "keys":
    print(json.dumps({{"anon_key": "the-anon-key", "service_key": "the-service-key"}}))
elif what == "functions":
    with open("deployed", "a") as file:
        file.write(f"{{sys.argv[3]}} {{os.environ['PLINTH_SERVICE_KEY']}}\\n")
elif os.environ.get("FAKE_EXIT"):
    print("plinth: cannot listen", file=sys.stderr)
    sys.exit(int(os.environ["FAKE_EXIT"]))
else:
    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signals = []
    signal.signal(signal.SIGINT, lambda number, frame: signals.append(number))
    print(f"listening on http://127.0.0.1:{{server.server_port}}", flush=True)
    while not signals:
        time.sleep(0.02)
    time.sleep(0.3)
    sys.exit(40 + len(signals))
"""


class Run(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(SCRIPTS, self.root / "scripts", ignore=shutil.ignore_patterns("tests", "__pycache__"))
        for name in ("two", "one"):
            (self.root / "functions" / name).mkdir(parents=True)
        binary = self.root / "target" / "release" / "plinth"
        binary.parent.mkdir(parents=True)
        binary.write_text(FAKE)
        binary.chmod(0o755)

    def start(self, **variables) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, self.root / "scripts" / "run.py"],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_it_deploys_invites_and_forwards_one_interrupt(self):
        run = self.start()
        printed = ""
        while "Ctrl-C stops" not in printed:
            line = run.stdout.readline()
            self.assertNotEqual(line, "", run.stderr.read() if run.poll() is not None else "")
            printed += line
        self.assertIn("ANON_KEY=the-anon-key", printed)
        self.assertIn("one, two", printed)
        self.assertEqual(
            (self.root / "deployed").read_text(), "functions/one the-service-key\nfunctions/two the-service-key\n"
        )
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
        self.assertEqual(run.returncode, 41, "the server got one signal, and its exit code came through")

    def test_a_server_that_does_not_start_ends_it_with_its_code(self):
        run = self.start(FAKE_EXIT="69")
        _, err = run.communicate(timeout=20)
        self.assertEqual(run.returncode, 69)
        self.assertIn("cannot listen", err)
        self.assertIn("PLINTH_LISTEN", err)


if __name__ == "__main__":
    unittest.main()
