"""The programs that are measured."""

import shutil
import subprocess
import time
from http import HTTPStatus
from pathlib import Path

from plan import POSTGRES_POOL
from postgres import Postgres
from process import Process, free_port

SETTLE_SECONDS_MAX = 60.0


class Golive(Process):
    """golive over a reports repository of its own."""

    name = "golive"

    def __init__(self, binary: Path, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.binary, self.repository, self.ids = binary, folder / "reports", folder / "ids"
        port = free_port()
        command = [str(binary), "serve", "--listen", f"127.0.0.1:{port}", "--repo", str(self.repository)]
        super().__init__(command, folder / "golive.log", port, "/readyz", {"GOLIVE_LOG": "info"})

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.repository), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout

    def path(self, url: str) -> str:
        """Returns the path of the report of a source repository."""
        done = subprocess.run([str(self.binary), "path", url], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def settle(self) -> float:
        """Waits until the work tree has followed: no measurement is charged for the last. Returns the seconds."""
        start = time.monotonic()
        while time.monotonic() - start < SETTLE_SECONDS_MAX:
            tips = self.git("for-each-ref", "--format=%(objectname)", "refs/heads/main", "refs/golive/mirrored")
            if len(set(tips.split())) == 1:
                break
            time.sleep(0.05)
        return time.monotonic() - start

    def wait_until_assessed(self) -> None:
        """Waits until every report was assessed: each list that asks for it reads on for a second."""
        while self.get("/api/v1/reports?findings=none&limit=1").status == HTTPStatus.SERVICE_UNAVAILABLE:
            pass

    def packs(self) -> set[str]:
        return {path.name for path in (self.repository / ".git/objects/pack").glob("*.pack")}

    def forget(self) -> None:
        """Deletes what the stopped service keeps for its next start; all of it is derived."""
        shutil.rmtree(self.repository / ".git/golive", ignore_errors=True)


class PostgresService(Process):
    """The service that golive is compared with."""

    name = "postgres"

    def __init__(self, binary: Path, folder: Path, database: Postgres) -> None:
        folder.mkdir(exist_ok=True)
        self.database, self.ids = database, folder / "ids"
        port = free_port()
        environment = {"LISTEN": f"127.0.0.1:{port}", "DATABASE_URL": database.url, "POOL": str(POSTGRES_POOL)}
        super().__init__([str(binary)], folder / "service.log", port, "/healthz", environment)


class Bare(Process):
    """The ceiling for reads: 8 KB from memory."""

    name = "bare"

    def __init__(self, binary: Path, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        port = free_port()
        super().__init__([str(binary)], folder / "bare.log", port, "/healthz", {"LISTEN": f"127.0.0.1:{port}"})
