"""Installs what a fresh Debian machine with Rust, a C compiler and Python 3 lacks, and skips what is there.

    setup.py build    what compiling needs
    setup.py test     that, and what the tests run: PostgreSQL, Node.js, Chromium, and the SDKs from npm and PyPI
"""

import argparse
import hashlib
import pathlib
import shutil
import sys

import commands
import debian
import places
import postgres
from commands import Failed, say

SDK_TESTS = places.ROOT / "tests" / "sdk"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("purpose", choices=["build", "test"])
    if parser.parse_args().purpose == "test":
        for name, value in for_tests().items():
            print(f"{name}={value}")
    else:
        for_build()
    return 0


def for_build() -> None:
    """Rust and a C compiler are the user's to bring; their absence is said plainly."""
    if not commands.have("cargo"):
        raise Failed("Rust is not installed (no cargo on PATH): install it from https://rustup.rs or your distribution")
    if not (commands.have("cc") and commands.have("c++") and commands.have("make")):
        debian.install(["gcc", "g++", "make", "libc6-dev"], "compiling the C parts of the dependencies")


def for_tests() -> dict[str, str]:
    """Sets up all the tests run, and returns the variables that tell them where it is."""
    for_build()
    if postgres.programs() is None:
        debian.install(["postgresql"], "the tests on PostgreSQL")
    if not commands.have("setpriv"):
        debian.install(["util-linux"], "the tests' harness")
    if not any(commands.have(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        debian.install(["chromium"], "the tests in a browser")
    if not commands.have("node"):
        debian.install(["nodejs"], "the tests of supabase-js")
    if not commands.have("npm"):
        debian.install(["npm"], "the tests of supabase-js")
    return {"PLINTH_TEST_NODE_MODULES": str(_node_modules()), "PLINTH_TEST_PYTHON": str(python_packages(SDK_TESTS / "requirements.txt") / "bin" / "python")}


def _node_modules() -> pathlib.Path:
    """The npm packages of `tests/sdk/package-lock.json`, in a folder of the cache named after it."""
    files = [SDK_TESTS / "package.json", SDK_TESTS / "package-lock.json"]

    def fill(folder: pathlib.Path) -> None:
        for file in files:
            shutil.copy(file, folder)
        commands.run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder, quiet=True)

    return _made_once("npm", files, fill) / "node_modules"


def python_packages(requirements: pathlib.Path) -> pathlib.Path:
    """A virtual environment of the cache with the packages of a `requirements.txt`."""

    def fill(folder: pathlib.Path) -> None:
        try:
            commands.run(sys.executable, "-m", "venv", folder, quiet=True)
        except Failed:
            debian.install(["python3-venv"], "packages from PyPI")
            commands.run(sys.executable, "-m", "venv", folder, quiet=True)
        pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
        commands.run(*pip, "install", "--quiet", "--requirement", requirements, quiet=True)

    return _made_once("python", [requirements], fill)


def _made_once(kind: str, sources: list[pathlib.Path], fill) -> pathlib.Path:
    """A folder of the cache that `fill` fills, once for each content of `sources`; a half-made one is never used."""
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = places.cache() / f"{kind}-{digest}"
    done = folder / ".complete"
    if done.exists():
        return folder
    say(f"installing the packages of {sources[-1].relative_to(places.ROOT)} into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fill(folder)
    done.touch()
    return folder


if __name__ == "__main__":
    commands.main(main)
