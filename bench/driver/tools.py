"""The built programs that a run needs."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tools:
    """Where each is."""

    golive: Path
    load: Path
    postgres_service: Path
    bare: Path
    chart: Path

    @classmethod
    def built(cls, target: Path, golive: Path | None) -> "Tools":
        """Returns those that `scripts/bench` built; `golive` takes the place of its own."""
        bench = target / "bench/release"
        return cls(
            golive=(golive or target / "release/golive").resolve(),
            load=bench / "load",
            postgres_service=bench / "postgres-service",
            bare=bench / "bare",
            chart=bench / "chart",
        )
