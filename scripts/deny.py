"""Checks the dependencies with cargo-deny: licences, bans and sources always, advisories where their database can be reached."""

import os
import pathlib
import shutil
import subprocess

import commands
import places
from commands import say

VERSION = "0.20.2"
DATABASE = "https://github.com/rustsec/advisory-db"
CONNECT_SECONDS = 20


def main() -> int:
    deny = [_program(), "--locked"]
    commands.run(*deny, "check", "licenses", "bans", "sources", cwd=places.ROOT)
    if _reachable():
        commands.run(*deny, "check", "advisories", cwd=places.ROOT)
    else:
        say(f"the advisory database ({DATABASE}) is out of reach, so known vulnerabilities were NOT looked for")
    return 0


def _program() -> str:
    """cargo-deny from PATH, or from the cache, where it is compiled once."""
    if commands.have("cargo-deny"):
        return "cargo-deny"
    folder = places.cache() / f"cargo-deny-{VERSION}"
    program = folder / "bin" / "cargo-deny"
    if not program.exists():
        say(f"compiling cargo-deny {VERSION} into {folder}; this takes some minutes, once")
        # It runs for seconds: what an optimized build would save is less than what it costs.
        quick = {"CARGO_PROFILE_DEV_DEBUG": "false", "CARGO_PROFILE_DEV_OPT_LEVEL": "0", "CARGO_TARGET_DIR": str(folder / "build")}
        commands.run(
            "cargo", "install", "--locked", "--debug", "--root", folder, "--version", VERSION, "cargo-deny", env=quick, cwd=pathlib.Path("/")
        )
        shutil.rmtree(folder / "build", ignore_errors=True)
    return str(program)


def _reachable() -> bool:
    """Whether the advisory database answers within seconds."""
    silent = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    ask = ["git", "ls-remote", "--quiet", DATABASE, "HEAD"]
    try:
        return subprocess.run(ask, capture_output=True, timeout=CONNECT_SECONDS, check=False, env=silent).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    commands.main(main)
