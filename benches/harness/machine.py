"""What the benchmarks ran on: a figure means nothing without it."""

import os
import pathlib
import platform
import statistics
import time

from . import peers
from .bench import Bench


def describe(bench: Bench) -> list[str]:
    """Lines that say which machine, disk and programs were measured."""
    flush_ms = statistics.median(flush_times(bench.folder)) * 1e3
    one, _, _ = os.getloadavg()
    return [
        f"{cores()} cores ({_first('/proc/cpuinfo', 'model name') or platform.machine()}), {_memory_gb():.0f} GB, "
        f"Linux {platform.release()}",
        f"disk: {_file_system(bench.folder)}; appending 4 KiB and `fdatasync` takes {flush_ms:.2f} ms (median)",
        f"peers: {peers.versions()}",
        f"load average before the run: {one:.2f}",
    ]


def cores() -> int:
    return len(os.sched_getaffinity(0))


def busy() -> bool:
    """Whether something else uses the machine, so that its figures would be worth little."""
    return os.getloadavg()[0] > 0.5 * cores()


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
