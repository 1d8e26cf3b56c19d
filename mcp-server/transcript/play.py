"""Prints the conversation, or writes it into the README."""

import argparse
import sys
import tempfile
from pathlib import Path

import anyio
from conversation import BEGIN, END, README, section, told
from programs import running_golive


def main() -> None:
    """Play the story once, on a golive of its own."""
    parser = argparse.ArgumentParser(prog="run", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into the README")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, running_golive(Path(directory)) as golive:
        conversation = anyio.run(told, golive)
    if not options.write:
        sys.stdout.write(conversation)
        return
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + section(conversation) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
