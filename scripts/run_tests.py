"""Runs every test: the scripts' own, then the integration binary on SQLite and again on PostgreSQL.

    run_tests.py                      all of it
    run_tests.py --on sqlite -- NAME  one database; what follows `--` goes to the test runner
"""

import argparse
import contextlib
import os
import sys

import commands
import places
import postgres
import setup

DATABASES = ("sqlite", "postgres")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", choices=DATABASES, help="only on this database, and without the scripts' own tests")
    parser.add_argument("rest", nargs="*", help="arguments for the test runner, after --")
    options = parser.parse_args()
    found = setup.for_tests()
    # Cargo takes V8 from its cache, where scripts/v8.py put a checked one.
    os.environ.pop("RUSTY_V8_ARCHIVE", None)
    os.environ["CARGO_TARGET_DIR"] = str(places.target())
    os.chdir(places.ROOT)
    if options.on is None:
        commands.run(sys.executable, "-m", "unittest", "discover", "--start-directory", "scripts/tests")
    for database in [options.on] if options.on else DATABASES:
        # Tests of the database itself use both, whichever the run is on.
        with _postgres() as address:
            commands.run(*_runner(options.rest), env={**found, "PLINTH_TEST_DB": database, "TEST_DATABASE_URL": address})
    return 0


def _postgres():
    """The server that TEST_DATABASE_URL names, or a throwaway one."""
    named = os.environ.get("TEST_DATABASE_URL")
    return contextlib.nullcontext(named) if named else postgres.throwaway()


def _runner(rest: list[str]) -> list[str]:
    if commands.have("cargo-nextest"):
        return ["cargo", "nextest", "run", "--release", "--locked", *rest]
    return ["cargo", "test", "--release", "--locked", "--test", "integration", "--", *rest]


if __name__ == "__main__":
    commands.main(main)
