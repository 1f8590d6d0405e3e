"""Runs scripts/chaos on both databases, with the packages that it needs."""

import argparse

import commands
import places
import postgres
import setup
from commands import Failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", default="90", help="how long things are killed, on each database")
    seconds = parser.parse_args().seconds
    python = setup.python_packages(setup.SDK_TESTS / "requirements.txt") / "bin" / "python"
    databases = ["sqlite", "postgres"] if postgres.programs() else ["sqlite"]
    failed = []
    for database in databases:
        try:
            commands.run(python, places.ROOT / "scripts" / "chaos" / "main.py", "--seconds", seconds, "--database", database)
        except Failed as failure:
            failed.append(f"{database}: {failure}")
    if failed:
        raise Failed("; ".join(failed))
    return 0


if __name__ == "__main__":
    commands.main(main)
