"""What the benchmarks ran on: a figure means nothing without it."""

import os
import pathlib
import platform
import statistics
import time

from . import peers
from .bench import Bench


def describe(bench: Bench, used: float) -> list[str]:
    """Lines that say which machine, disk and programs were measured, and how many cores others used before it began."""
    flush_ms = statistics.median(flush_times(bench.folder)) * 1e3
    return [
        f"{cores()} cores ({_first('/proc/cpuinfo', 'model name') or platform.machine()}), {_memory_gb():.0f} GB, "
        f"Linux {platform.release()}",
        f"disk: {_file_system(bench.folder)}; appending 4 KiB and `fdatasync` takes {flush_ms:.2f} ms (median)",
        f"peers: {peers.versions()}",
        f"in use by others before the run: {used:.2f} cores",
    ]


def cores() -> int:
    return len(os.sched_getaffinity(0))


def used_cores(seconds: float = 3.0) -> float:
    """How many cores are in use by others now. Not the load average, which remembers the build before the run."""
    before = _busy_ticks()
    time.sleep(seconds)
    return (_busy_ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def flush_times(folder: pathlib.Path, count: int = 100) -> list[float]:
    """Seconds that each of some small appends takes to be durable."""
    file = folder / "flush"
    times = []
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(count):
            began = time.perf_counter()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        file.unlink()
    return times


def _busy_ticks() -> int:
    """CPU time of all cores that was neither idle nor waiting for the disk."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4]


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _first(file: str, name: str) -> str | None:
    for line in pathlib.Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _file_system(folder: pathlib.Path) -> str:
    """The type of the file system that holds a folder."""
    best = ("", "unknown")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        mount, kind = line.split()[1:3]
        if folder.is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]
