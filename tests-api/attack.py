"""Runs schemathesis against a golive of its own, and looks at what is left of it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
#: Requests for each call, in each phase: few in the suite, many under `make torture`.
EXAMPLES, EXAMPLES_LONG = 10, 60
SEED = 20251020
START_SECONDS = 30


@contextmanager
def service(folder: Path, log: Path) -> Generator[str]:
    """Serves an empty record in `folder`; yields the address."""
    golive = os.environ.get("GOLIVE_BIN") or sys.exit(
        "api-description: set GOLIVE_BIN to the golive program"
    )
    command = [
        golive,
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
        "--repo",
        "reports",
    ]
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GOLIVE_", "GIT_"))
    }
    env |= {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    with log.open("wb") as errors:
        child = subprocess.Popen(command, cwd=folder, env=env, stderr=errors)
    try:
        yield address(child, log)
        if (code := child.poll()) is not None:
            sys.exit(f"api-description: golive ended with {code}:\n{log.read_text()[-4000:]}")
    finally:
        child.terminate()
        child.wait(START_SECONDS)


def address(child: subprocess.Popen[bytes], log: Path) -> str:
    """Returns where the service listens, once it says so."""
    end = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < end:
        for line in log.read_text().splitlines():
            if line.endswith("}") and (found := json.loads(line).get("address")):
                return str(found)
        time.sleep(0.02)
    sys.exit(f"api-description: golive did not start:\n{log.read_text()}")


def attack(base: str, folder: Path, examples: int, seed: int) -> str:
    """Returns what schemathesis says, if it finds nothing."""
    command = [str(HERE / ".venv/bin/st"), "--config-file", str(HERE / "schemathesis.toml"), "run"]
    options = ["--checks", "all", "--max-examples", str(examples), "--seed", str(seed)]
    env = os.environ | {"PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, f"{base}/openapi.json", *options],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
        sys.exit(
            f"api-description: the API is not as it is described; repeat it with GOLIVE_SEED={seed}"
        )
    return done.stdout


def main() -> None:
    """Attacks, and holds what is left against the promises."""
    times = int(os.environ.get("GOLIVE_TORTURE", "0"))
    seed = int(os.environ.get("GOLIVE_SEED", SEED))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        with service(folder, log) as base:
            said = attack(base, folder, EXAMPLES_LONG * times or EXAMPLES, seed)
        if bad := [
            line for line in log.read_text().splitlines() if "panicked" in line or '"ERROR"' in line
        ]:
            sys.exit("api-description: the service was in trouble:\n" + "\n".join(bad[:20]))
        verified = subprocess.run(
            [os.environ["GOLIVE_BIN"], "verify", "reports"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if verified.returncode:
            told = verified.stdout + verified.stderr
            sys.exit(f"api-description: the history is wrong afterwards:\n{told}")
    cases = re.search(r"(\d+) generated", said)
    operations = re.search(r"Tested: (\d+)", said)
    links = re.search(r"API Links: +(.*)", said)
    if not (cases and operations and links):
        sys.exit(f"api-description: schemathesis says something else than it did:\n{said}")
    counts = f"{cases[1]} requests, {operations[1]} calls, links: {links[1]}"
    print(f"api-description: {counts}, seed {seed}")


if __name__ == "__main__":
    main()
