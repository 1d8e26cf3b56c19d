"""What the run tells while it runs, on standard error."""

import sys
import time

START = time.monotonic()


def say(text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - START), 60)
    print(f"{minutes:3}:{seconds:02}  {text}", file=sys.stderr, flush=True)
