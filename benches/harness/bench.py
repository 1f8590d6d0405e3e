"""One run of the benchmarks: how long it measures, where it keeps things, and in which order peers take turns."""

import contextlib
import dataclasses
import pathlib
import sys
from collections.abc import Callable, Iterator

HERE = pathlib.Path(__file__).resolve().parent.parent
PEERS = HERE / "peers"


@dataclasses.dataclass
class Bench:
    """The settings of a run. `folder` is on the disk that is measured and is deleted afterwards."""

    plinth: pathlib.Path
    folder: pathlib.Path
    quick: bool = False
    _folders: int = 0

    @property
    def rounds(self) -> int:
        """How often each peer has its turn."""
        return 2 if self.quick else 3

    @property
    def seconds(self) -> int:
        """How long load is put on a server in one turn."""
        return 1 if self.quick else 4

    @property
    def samples(self) -> int:
        """Single calls measured in one turn."""
        return 8 if self.quick else 40

    def new_folder(self, name: str) -> pathlib.Path:
        self._folders += 1
        folder = self.folder / f"{self._folders}-{name}"
        folder.mkdir()
        return folder

    def turns(self, names: list[str]) -> Iterator[tuple[int, str]]:
        """A B B A A B …: peers take turns, and the order changes, so that a machine that slows down slows all of them."""
        for turn in range(self.rounds):
            for name in names if turn % 2 == 0 else reversed(names):
                say(f"    round {turn + 1} of {self.rounds}: {name}")
                yield turn, name


@contextlib.contextmanager
def running(starters: dict[str, Callable]) -> Iterator[dict]:
    """Starts servers by name, and ends those that were started whatever happens."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for name, start in starters.items():
            servers[name] = start()
            stack.callback(servers[name].stop)
        yield servers


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
