"""Finds the programs of the peers, and installs those that are missing: from Debian, and from npm by the lock file."""

import functools
import os
import pathlib
import platform
import shutil
import subprocess

import commands
import debian
import setup
from commands import Failed

from .bench import HERE

# program: the Debian package that holds it
PROGRAMS = {"wrk": "wrk", "nginx": "nginx", "node": "nodejs", "npm": "npm"}
# what npm calls the processors, for workerd and for Deno
CPUS = {"x86_64": ("64", "x64"), "aarch64": ("arm64", "arm64")}


def install() -> None:
    # nginx is in a folder that an ordinary user's PATH does not have.
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    for program, package in PROGRAMS.items():
        if not commands.have(program):
            debian.install([package], "the benchmarks")
    if not all(program.exists() for program in (_workerd(), _deno())):
        commands.run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=HERE, quiet=True)


def pocketbase_command(folder: pathlib.Path, *arguments: str) -> list:
    return [_pocketbase(), *arguments, "--dir", folder / "pb_data"]


def run_pocketbase(folder: pathlib.Path, *arguments: str) -> None:
    """Runs one of PocketBase's commands to its end."""
    commands.run(*pocketbase_command(folder, *arguments), quiet=True)


@functools.cache
def node() -> str:
    # Not a version manager's shim, whose start would be counted as Node's.
    return commands.output_of("node", "-p", "process.execPath").strip()


def nginx() -> str:
    return shutil.which("nginx")


def workerd() -> pathlib.Path:
    return _there(_workerd())


def deno() -> pathlib.Path:
    return _there(_deno())


def versions() -> str:
    """The peers' versions, in one line."""
    wrk = commands.output_of("dpkg-query", "-W", "-f", "${Version}", "wrk") if debian.installed("wrk") else "?"
    # nginx prints its version on stderr.
    shown = subprocess.run([nginx(), "-v"], capture_output=True, text=True, check=False).stderr
    nginx_version = shown.strip().rpartition("/")[2]
    node_version = commands.output_of(node(), "--version").strip().removeprefix("v")
    workerd_version = commands.output_of(workerd(), "--version").split()[-1]
    deno_version = commands.output_of(deno(), "--version").split()[1]
    return f"nginx {nginx_version}, Node {node_version}, Deno {deno_version}, workerd {workerd_version}, wrk {wrk}"


def _there(program: pathlib.Path) -> pathlib.Path:
    if not program.exists():
        raise Failed(f"{program.name} is not at {program}: run `npm ci --ignore-scripts` in benches/")
    return program


@functools.cache
def seaweedfs() -> pathlib.Path:
    return setup.python_packages(HERE / "requirements.txt") / "bin" / "weed"


@functools.cache
def _pocketbase() -> pathlib.Path:
    return setup.python_packages(HERE / "requirements.txt") / "bin" / "pocketbase"


def _workerd() -> pathlib.Path:
    return HERE / "node_modules" / "@cloudflare" / f"workerd-linux-{_cpu()[0]}" / "bin" / "workerd"


def _deno() -> pathlib.Path:
    return HERE / "node_modules" / "@deno" / f"linux-{_cpu()[1]}-glibc" / "deno"


def _cpu() -> tuple[str, str]:
    cpu = CPUS.get(platform.machine())
    if cpu is None:
        raise Failed(f"npm has no workerd and no Deno for {platform.machine()}")
    return cpu
