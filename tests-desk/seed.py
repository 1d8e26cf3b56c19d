"""Fills a golive with half a year of reviews, to look at: 300 reports, the same each time.

    tests-desk/.venv/bin/python tests-desk/seed.py http://127.0.0.1:8080

All of it through the API of a service that runs, so all of it is of today;
`scripts/screenshots` lets the months pass for a service of its own.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "mcp-server" / "tests"))

from desk.api import connected
from desk.seeding import N_REPORTS, plan, play


def main() -> None:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(description="Fill a golive with made-up reviews.")
    parser.add_argument("url", help="the service's address, such as http://127.0.0.1:8080")
    parser.add_argument("--reports", type=int, default=N_REPORTS, help="how many (%(default)s)")
    arguments = parser.parse_args()
    with connected(arguments.url) as service:
        reports = play(service, plan(arguments.reports))
    sys.stdout.write(f"{len(reports)} reports\n")


if __name__ == "__main__":
    main()
