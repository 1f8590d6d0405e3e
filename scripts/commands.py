"""Running other programs, and saying so."""

import os
import shlex
import shutil
import subprocess
import sys


class Failed(Exception):
    """Something could not be done; the text says what, and what to do about it."""


def say(text: str) -> None:
    print(f"plinth: {text}", file=sys.stderr, flush=True)


def have(program: str) -> bool:
    return shutil.which(program) is not None


def run(*command, env: dict | None = None, cwd=None, quiet: bool = False) -> None:
    """Runs a command, shown first; its failure is a `Failed`. `env` is laid over the environment."""
    shown = shlex.join(str(part) for part in command)
    say(f"running {shown}")
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
    environment = {**os.environ, **(env or {})}
    try:
        done = subprocess.run([str(part) for part in command], env=environment, cwd=cwd, check=False, **output)
    except OSError as error:
        raise Failed(f"{command[0]} could not be started: {error}") from error
    if done.returncode != 0:
        if quiet:
            sys.stderr.write(done.stdout.decode(errors="replace"))
        raise Failed(f"`{shown}` failed with exit code {done.returncode}")


def output_of(*command, env: dict | None = None, cwd=None) -> str:
    """What a command prints on stdout; its failure is a `Failed`."""
    try:
        done = subprocess.run(
            [str(part) for part in command], env={**os.environ, **(env or {})}, cwd=cwd, check=False, capture_output=True, text=True
        )
    except OSError as error:
        raise Failed(f"{command[0]} could not be started: {error}") from error
    if done.returncode != 0:
        raise Failed(f"`{shlex.join(str(part) for part in command)}` failed: {done.stderr.strip()}")
    return done.stdout


def main(action) -> None:
    """Runs a script's `action`: a `Failed` is one line and exit code 1, Ctrl-C is exit code 130."""
    try:
        sys.exit(action())
    except Failed as failure:
        say(f"error: {failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
