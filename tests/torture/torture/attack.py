"""The attacks: what attacks.toml says of them, and how one runs."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from . import steps
from .tally import Outcome

#: A long attack may take so many minutes for each time over, a short one so many.
LONG_MINUTES, SHORT_MINUTES = 30, 10
#: Building everything anew on two cores takes a quarter of it.
BUILD_MINUTES = 40
KEYS = {"says", "promise", "test", "command", "features", "needs"}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Attack:
    """One table of attacks.toml."""

    name: str
    says: str
    #: The promises that it is after, by the words of ARCHITECTURE.md's table.
    promise: tuple[str, ...]
    #: The tests it is made of, by the start of their names; or the command that runs it.
    test: tuple[str, ...]
    command: tuple[str, ...]
    #: What golive is built with for it.
    features: tuple[str, ...] = ()
    #: What the machine has to allow; where it does not, the attack says that it is skipped.
    needs: tuple[str, ...] = ()


def read(path: Path) -> dict[str, Attack]:
    """Returns the attacks in the order of the file."""
    attacks = {}
    for name, table in tomllib.loads(path.read_text()).get("attack", {}).items():
        lists = {key: tuple(table.get(key, ())) for key in KEYS - {"says"}}
        if unknown := table.keys() - KEYS:
            sys.exit(f"{path}: attack.{name} has unknown keys: {', '.join(sorted(unknown))}")
        if not table.get("says") or bool(lists["test"]) == bool(lists["command"]):
            sys.exit(f"{path}: attack.{name} needs `says`, and either `test` or `command`")
        attacks[name] = Attack(name, table["says"], **lists)
    return attacks


@dataclass(frozen=True)
class Tree:
    """A checkout, and where cargo puts what it builds from it."""

    root: Path
    target: Path

    @property
    def env(self) -> dict[str, str]:
        """What programs have to know of it."""
        return {"CARGO_TARGET_DIR": str(self.target), "GOLIVE_BIN": str(self.target / "debug/golive")}


def run(attack: Attack, tree: Tree, log: steps.Log, *, times: int) -> Outcome:
    """Builds what `attack` needs, and runs it."""
    if not build(attack, tree, log):
        return Outcome("failed", "golive cannot be built", 0)
    return strike(attack, tree, log, times=times)


def build(attack: Attack, tree: Tree, log: steps.Log) -> bool:
    """Returns whether golive and the attack can be built."""
    if not (tree.root / "Cargo.toml").exists():
        return True
    what = ["build"] if attack.command else [*runner(), "--no-run"]
    command = ["cargo", *what, "--locked", *parts(attack)]
    return steps.run(command, tree.root, log, tree.env, BUILD_MINUTES).code == 0


def strike(attack: Attack, tree: Tree, log: steps.Log, *, times: int) -> Outcome:
    """Runs `attack`, which is built: so many times its long form, or its short one for 0."""
    env = tree.env | {"GOLIVE_TORTURE": str(times)}
    command = list(attack.command) or ["cargo", *runner(), "--locked", *parts(attack), *chosen(attack)]
    before = log.path.stat().st_size if log.path.exists() else 0
    ended = steps.run(command, tree.root, log, env, LONG_MINUTES * times or SHORT_MINUTES)
    with log.path.open("rb") as file:
        file.seek(before)
        text = COLOURS.sub("", file.read().decode(errors="replace"))
    lines = told(attack.name, text)
    if ended.code is None:
        lines.append("did not end")
    if ended.code == 0 and not attack.command and (missing := not_run(attack, text)):
        return Outcome("failed", f"no test is called {' or '.join(missing)}", ended.seconds)
    if ended.code == 0:
        is_skipped = any(line.startswith("skipped") for line in lines)
        return Outcome("skipped" if is_skipped else "passed", "; ".join(lines), ended.seconds)
    return Outcome("failed", "; ".join(lines), ended.seconds)


def told(name: str, text: str) -> list[str]:
    """Returns what the attack says of itself, in lines that start with its name."""
    starts = f"{name}: "
    found = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(line.removeprefix(starts) for line in found if line.startswith(starts)))


def not_run(attack: Attack, text: str) -> list[str]:
    """Returns the tests of `attack` that did not run, by what nextest or cargo says."""
    lines = [line for line in text.splitlines() if not line.startswith("$ ")]
    return [start for start in attack.test if not any(f" {start}" in line for line in lines)]


def runner() -> list[str]:
    """Returns how tests are run here."""
    return ["nextest", "run"] if shutil.which("cargo-nextest") else ["test"]


def chosen(attack: Attack) -> list[str]:
    """Returns the options that run the tests of `attack`, and show what they say."""
    if runner() == ["test"]:
        return ["--", "--nocapture", *attack.test]
    shown = ["--no-fail-fast", "--color=never", "--success-output=immediate", "--failure-output=immediate"]
    is_of = " | ".join(f"test(/^{re.escape(start)}/)" for start in attack.test)
    return [*shown, "-E", is_of]


def parts(attack: Attack) -> list[str]:
    """Returns the options that say what to build for `attack`, and with which features."""
    is_of_suite = attack.test and all(start.startswith("attack_") for start in attack.test)
    suite = ["--test", "suite"] if is_of_suite else []
    return [*suite, *(["--features", ",".join(attack.features)] if attack.features else [])]


def target_dir(root: Path) -> Path:
    """Returns where cargo puts what it builds from `root`."""
    if not (root / "Cargo.toml").exists():
        return root / "target"
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    found = subprocess.run(command, cwd=root, capture_output=True, check=True)
    return Path(json.loads(found.stdout)["target_directory"])
