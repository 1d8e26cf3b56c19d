"""Tests of the runner: that a failure counts, whatever kind of failure it is."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

RUN = Path(__file__).parent / "run"
ATTACKS = """
[attack.guard]
says = "Whoever is not allowed in comes in."
promise = ["a refused request changes nothing"]
command = ["sh", "attack.sh"]
"""
#: An attack on the file `guard`, which must hold `closed`.
SCRIPT = """
echo "    guard: 1 door, $GOLIVE_TORTURE"
grep -q closed guard
"""


def mutant(old: str, new: str) -> str:
    """Returns a patch of the file `guard`."""
    return f"Attack: guard\nBreaks: The door.\n--- a/guard\n+++ b/guard\n@@ -1 +1 @@\n-{old}\n+{new}\n"


class RunnerTest(unittest.TestCase):
    """Each test has a tree of its own with one attack."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "root"
        (self.root / "tests/mutants").mkdir(parents=True)
        self.write("tests/torture/attacks.toml", ATTACKS)
        self.write("attack.sh", SCRIPT)
        self.write("guard", "closed\n")
        subprocess.run(["git", "init", "--quiet"], cwd=self.root, check=True)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_it(self, *options: str) -> tuple[int, str]:
        """Returns the exit code of the runner, and what it printed."""
        command = [sys.executable, str(RUN), "--root", str(self.root), "--work", str(self.root.parent / "work")]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def assert_says(self, options: list[str], code: int, *parts: str) -> None:
        found, text = self.run_it(*options)
        for part in parts:
            self.assertIn(part, text)
        self.assertEqual(found, code, text)

    def test_an_attack_that_passes_and_a_mutant_that_is_caught_are_two_passed(self) -> None:
        self.write("tests/mutants/opens.patch", mutant("closed", "open"))
        self.assert_says([], 0, "1 door, 1", "caught by guard", "2 passed, 0 failed")
        self.assertEqual((self.root / "guard").read_text(), "closed\n")

    def test_an_attack_that_fails_is_counted_and_its_log_is_named(self) -> None:
        self.write("guard", "open\n")
        code, text = self.run_it("--no-mutants")
        self.assertEqual(code, 1, text)
        self.assertIn("0 passed, 1 failed", text)
        log = Path(text.split("see ")[1].splitlines()[0])
        self.assertIn("guard: 1 door", log.read_text())

    def test_an_attack_is_short_for_a_mutant_and_where_it_is_asked_for(self) -> None:
        self.assert_says(["--no-mutants", "--short"], 0, "1 door, 0")

    def test_an_attack_goes_on_as_many_times_as_it_is_asked_for(self) -> None:
        self.assert_says(["--no-mutants", "--times", "3"], 0, "1 door, 3")
        self.assert_says(["--no-mutants", "--times", "0"], 2, "at least 1")

    def test_a_mutant_that_is_not_noticed_has_failed(self) -> None:
        self.write("tests/mutants/keeps.patch", mutant("closed", "closed, more or less"))
        self.assert_says(["--mutants-only"], 1, "not noticed by guard: The door.", "0 passed, 1 failed")

    def test_a_mutant_that_does_not_apply_has_failed(self) -> None:
        self.write("tests/mutants/old.patch", mutant("shut", "open"))
        self.assert_says(["--mutants-only"], 1, "does not apply", "0 passed, 1 failed")

    def test_a_mutant_leaves_nothing_to_the_next(self) -> None:
        for name in "ab":
            self.write(f"tests/mutants/{name}.patch", mutant("closed", "open"))
        self.assert_says(["--mutants-only"], 0, "2 passed, 0 failed")

    def test_a_mutant_proves_nothing_for_an_attack_that_fails_anyway(self) -> None:
        self.write("guard", "open\n")
        self.write("tests/mutants/other.patch", mutant("open", "ajar"))
        self.assert_says(["--mutants-only"], 1, "fails without it as well", "0 passed, 1 failed")

    def test_a_mutant_that_cannot_be_built_has_failed(self) -> None:
        self.write("Cargo.toml", '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2024"\n')
        self.write("Cargo.lock", 'version = 4\n\n[[package]]\nname = "x"\nversion = "0.1.0"\n')
        self.write("src/main.rs", "fn main() {}\n")
        patch = mutant("fn main() {}", "fn main() {").replace("/guard", "/src/main.rs")
        self.write("tests/mutants/typo.patch", patch)
        self.assert_says(["--mutants-only"], 1, "cannot be built", "0 passed, 1 failed")

    def test_an_attack_without_mutants_has_failed(self) -> None:
        self.assert_says(["--mutants-only"], 1, "mutants of guard", "add one", "0 passed, 1 failed")

    def test_a_mutant_of_no_attack_has_failed(self) -> None:
        self.write("tests/mutants/opens.patch", mutant("closed", "open"))
        self.write("tests/mutants/stray.patch", mutant("closed", "open").replace("guard\nB", "gaurd\nB"))
        self.assert_says(["--mutants-only"], 1, "mutants of gaurd", "there is no such attack", "1 passed, 1 failed")

    def test_a_patch_must_say_what_it_breaks(self) -> None:
        self.write("tests/mutants/silent.patch", mutant("closed", "open").replace("Breaks", "Also"))
        self.assert_says([], 1, "must start with the lines")

    def test_what_the_machine_does_not_allow_is_skipped_not_passed(self) -> None:
        self.write("attack.sh", "echo guard: skipped: no doors here\n")
        self.write("tests/mutants/opens.patch", mutant("closed", "open"))
        self.assert_says([], 1, "no doors here", "0 passed, 0 failed, 2 skipped")

    def test_an_unknown_attack_is_said_at_once(self) -> None:
        self.assert_says(["--only", "gaurd"], 1, "there is no attack gaurd; there are guard")


if __name__ == "__main__":
    unittest.main()
