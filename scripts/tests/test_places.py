"""Where things are built and kept."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "places.py"


class Target(unittest.TestCase):
    """Cargo's target folder, as the Makefile asks for it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "copy" / "scripts").mkdir(parents=True)
        shutil.copy(SCRIPT, self.folder / "copy" / "scripts")
        self.cache = self.folder / "cache"

    def target(self, **more):
        env = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        env |= {"XDG_CACHE_HOME": str(self.cache), "PYTHONDONTWRITEBYTECODE": "1", **more}
        script = self.folder / "copy" / "scripts" / "places.py"
        printed = subprocess.run([sys.executable, str(script)], env=env, check=True, capture_output=True, text=True)
        return pathlib.Path(printed.stdout.strip()).resolve()

    def test_is_in_the_users_cache_where_there_is_one(self):
        self.cache.mkdir()
        self.assertEqual(self.target(), (self.cache / "plinth" / "target").resolve())

    def test_stays_in_the_working_copy_when_a_cache_comes_later(self):
        own = (self.folder / "copy" / "target").resolve()
        self.assertEqual(self.target(), own)
        self.cache.mkdir()
        self.assertEqual(self.target(), own)

    def test_is_what_cargos_variable_says(self):
        self.assertEqual(self.target(CARGO_TARGET_DIR=str(self.folder / "named")), (self.folder / "named").resolve())


if __name__ == "__main__":
    unittest.main()
