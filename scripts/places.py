"""Where things are: the working copy, the cache, cargo's home and its target folder."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def cache() -> pathlib.Path:
    """The folder for what is dear to make and may be deleted at any time; it need not exist yet.

    It is `plinth` in the user's cache folder, or `target/cache` in the working copy where there is no such folder. That stays so
    when the folder comes to be later (pip and npm make it), since everything would be compiled anew: a build makes `target/cache`.
    """
    own = ROOT / "target" / "cache"
    user_cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return user_cache / "plinth" if user_cache.is_dir() and not own.is_dir() else own


def target() -> pathlib.Path:
    """Cargo's target folder: `CARGO_TARGET_DIR`, else one in the user's cache that all working copies share, else `./target`."""
    named = os.environ.get("CARGO_TARGET_DIR")
    if named:
        return ROOT / named
    shared = cache()
    return ROOT / "target" if shared.is_relative_to(ROOT) else shared / "target"


def cargo_home() -> pathlib.Path:
    return pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")


def binary() -> pathlib.Path:
    """The built server, as `make build` leaves it."""
    return ROOT / "target" / "release" / "plinth"


if __name__ == "__main__":
    if cache().is_relative_to(ROOT):
        cache().mkdir(parents=True, exist_ok=True)
    print(target())
