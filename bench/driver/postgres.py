"""A private PostgreSQL with its default settings, which are durable, in a folder of the run."""

import contextlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Self

from failure import Failure
from process import free_port


class Postgres:
    """A cluster with one empty database. Leaving the `with` block ends it."""

    def __init__(self, folder: Path) -> None:
        self.data, self.sockets = folder / "postgres", folder / "sockets"
        self.programs = find()
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/golive"

    def __enter__(self) -> Self:
        for folder in (self.data, self.sockets):
            folder.mkdir()
            # PostgreSQL refuses to run as root.
            if os.getuid() == 0:
                user = _user()
                os.chown(folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
        options = f"-p {self.port} -h 127.0.0.1 -k {self.sockets}"
        try:
            self._run("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", str(self.sockets / "log"), "start")
            self.query("postgres", "create database golive")
        except BaseException:
            # Interrupted while it started, it may run or not.
            with contextlib.suppress(Failure):
                self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def query(self, database: str, statement: str) -> str:
        """Runs one statement with `psql` and returns what it printed."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        return self._run("psql", "-X", "-q", "-A", "-t", *where, "-c", statement).strip()

    def _run(self, program: str, *arguments: str) -> str:
        as_user = {}
        if os.getuid() == 0:
            user = _user()
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        # Output to a file: the server inherits what `pg_ctl` has, and a pipe would stay open.
        log = self.data.parent / "postgres.log"
        with log.open("w+", encoding="utf-8") as output:
            done = subprocess.run(
                [str(self.programs / program), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd="/", start_new_session=True, check=False, **as_user,
            )  # fmt: skip
            output.seek(0)
            said = output.read()
        if done.returncode != 0:
            raise Failure(f"PostgreSQL: `{program}` ended with {done.returncode}:\n{said[-2000:]}")
        return said


def find() -> Path:
    """Returns the folder of PostgreSQL's programs, the newest that is installed."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    numbered = sorted((int(folder.parent.name), folder) for folder in folders if folder.parent.name.isdigit())
    for _, folder in reversed(numbered):
        if (folder / "initdb").exists():
            return folder
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise Failure("PostgreSQL is not installed; run `apt-get install postgresql` as root")


def version() -> str:
    said = subprocess.run([str(find() / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[2]


def _user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure("there is no user `postgres` or `nobody` to run PostgreSQL as")
