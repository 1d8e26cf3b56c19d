"""The mutants: patches that break a promise, each of which an attack has to notice."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from . import attack as attacks_of
from .attack import Attack, Tree
from .steps import Log
from .tally import Outcome, Tally


@dataclass(frozen=True)
class Mutant:
    """A patch of tests/mutants: `Attack:` and `Breaks:`, perhaps `Test:`, then a unified diff."""

    path: Path
    attack: str
    breaks: str
    #: The one test of the attack that is to notice, by the start of its name; or all.
    test: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.stem


def read(folder: Path) -> list[Mutant]:
    """Returns the mutants, by attack and name."""
    mutants = []
    for path in sorted(folder.glob("*.patch")):
        heads: dict[str, str] = {}
        for line in path.read_text().splitlines():
            if line.startswith(("---", "diff ")):
                break
            key, _, value = line.partition(":")
            heads[key] = value.strip()
        if not heads.get("Attack") or not heads.get("Breaks"):
            sys.exit(f"{path}: must start with the lines `Attack: NAME` and `Breaks: SENTENCE`")
        mutants.append(Mutant(path, heads["Attack"], heads["Breaks"], heads.get("Test", "")))
    return sorted(mutants, key=lambda mutant: mutant.attack)


def run_all(mutants: list[Mutant], attacks: dict[str, Attack], root: Path, work: Path, tally: Tally) -> None:
    """Runs all `mutants` in one copy of the tree at `root`, and has an attack without any fail."""
    if not attacks:
        return
    copy = Copy(root, work)
    for name in dict.fromkeys(mutant.attack for mutant in mutants if mutant.attack not in attacks):
        tally.add(f"mutants of {name}", Outcome("failed", "there is no such attack", 0))
    for attack in attacks.values():
        own = [mutant for mutant in mutants if mutant.attack == attack.name]
        if not own:
            tally.add(f"mutants of {attack.name}", Outcome("failed", "none: add one to tests/mutants", 0))
            continue
        # Red proves something only where it is green without the mutant.
        log = tally.log(f"{attack.name}-without-mutant")
        sound = attacks_of.run(asked_of(own, attack), copy.tree, log, times=0)
        for mutant in own:
            tally.add(mutant.name, copy.prove(mutant, attack, sound, tally.log(mutant.name)))


def asked_of(mutants: list[Mutant], attack: Attack) -> Attack:
    """Returns as much of `attack` as has to notice `mutants`."""
    tests = tuple(dict.fromkeys(mutant.test for mutant in mutants))
    return replace(attack, test=tests) if all(tests) else attack


class Copy:
    """A copy of the tree in a git repository of its own, which brings it back."""

    def __init__(self, root: Path, work: Path) -> None:
        self.tree = Tree(work / "tree", work / "target")
        shutil.rmtree(self.tree.root, ignore_errors=True)
        known = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(known, capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, names):
            source, target = root / name, self.tree.root / name
            if not source.exists() and not source.is_symlink():
                continue  # deleted, and not committed yet
            target.parent.mkdir(parents=True, exist_ok=True)
            # With times of now: what a mutant of an earlier run was built into is older, and built anew.
            shutil.copy(source, target, follow_symlinks=False)
        self.git("init", "--quiet")
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--no-verify", "--message", "The tree without a mutant")

    def git(self, *arguments: str) -> str | None:
        """Runs git in the copy; returns what it says if it fails."""
        who = ["-c", "user.name=torture", "-c", "user.email=torture@localhost"]
        own = ["-c", "commit.gpgSign=false", "-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null"]
        done = subprocess.run(["git", *who, *own, *arguments], cwd=self.tree.root, capture_output=True)
        return done.stderr.decode(errors="replace").strip() if done.returncode else None

    def prove(self, mutant: Mutant, attack: Attack, sound: Outcome, log: Log) -> Outcome:
        """Returns "passed" if `attack` fails on `mutant` alone."""
        if sound.kind == "failed":
            return Outcome("failed", f"{attack.name} fails without it as well", 0)
        if sound.kind == "skipped":
            return replace(sound, seconds=0)
        start = time.monotonic()
        if fault := self.git("apply", str(mutant.path.resolve())):
            log.path.write_text(f"{fault}\n")
            return Outcome("failed", "does not apply; make the patch anew", time.monotonic() - start)
        try:
            if not attacks_of.build(attack, self.tree, log):
                return Outcome("failed", "cannot be built", time.monotonic() - start)
            outcome = attacks_of.strike(asked_of([mutant], attack), self.tree, log, times=0)
        finally:
            self.git("reset", "--quiet", "--hard")
            self.git("clean", "--quiet", "-d", "--force")
        seconds = time.monotonic() - start
        if outcome.kind == "failed":
            return Outcome("passed", f"caught by {attack.name}", seconds)
        return Outcome("failed", f"not noticed by {attack.name}: {mutant.breaks}", seconds)
