"""Installing Debian packages, where that is possible."""

import os
import subprocess

import commands
from commands import Failed, say


def install(packages: list[str], reason: str) -> None:
    """Installs those of `packages` that are not there; a machine where it can't is told what to install by hand."""
    missing = [package for package in packages if not installed(package)]
    if not missing:
        return
    by_hand = f"{reason} needs the Debian packages {' '.join(missing)}"
    if not commands.have("apt-get"):
        raise Failed(f"{by_hand}, and this machine has no apt-get; install what they hold by hand")
    prefix = _as_root()
    if prefix is None:
        raise Failed(f"{by_hand}; install them as root: apt-get install {' '.join(missing)}")
    say(f"{by_hand}; installing them")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    get = [*prefix, "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120"]
    commands.run(*get, "update", env=quiet, quiet=True)
    commands.run(*get, "install", "--no-install-recommends", *missing, env=quiet, quiet=True)


def installed(package: str) -> bool:
    if not commands.have("dpkg-query"):
        return False
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, text=True, check=False)
    return asked.stdout == "install ok installed"


def _as_root() -> list[str] | None:
    """What to put before a command to run it as root; `None` when that can't be had without a question."""
    if os.geteuid() == 0:
        return []
    if commands.have("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"]
    return None
