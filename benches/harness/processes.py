"""What the kernel says of a process and its children: CPU time and memory."""

import os
import pathlib

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all that descend from it and live."""
    found = [pid]
    for parent in found:
        found.extend(children(parent))
    return found


def children(pid: int) -> list[int]:
    """The living children of all threads of a process."""
    found = []
    for file in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found.extend(int(child) for child in file.read_text().split())
        except OSError:
            continue  # the thread has ended
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of a process tree, user and kernel, with that of children that have ended."""
    total = 0
    for member in tree(pid):
        try:
            stat = pathlib.Path(f"/proc/{member}/stat").read_text()
        except OSError:
            continue  # ended between the two looks
        # The name, in parentheses, may hold spaces. After it: state is field 3, utime to cstime are fields 14 to 17.
        fields = stat.rpartition(")")[2].split()
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory(pid: int) -> dict[str, float]:
    """Memory of one process in MB (10^6 bytes): `rss`, `pss` and `private` (what ending it would give back)."""
    sizes = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        sizes[name] = int(value.split()[0]) * 1024 / 1e6
    private = sum(size for name, size in sizes.items() if name in ("Private_Clean", "Private_Dirty", "Private_Hugetlb"))
    return {"rss": sizes["Rss"], "pss": sizes["Pss"], "private": private}


def command_line(pid: int) -> list[str]:
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
