"""What starting costs over bare Python, and the indicators of the demo from start to finish."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

LIMITS = {"import qpi": 0.2, "qpi --help": 1.5}
METRICS_LIMIT, IMPORTS = 1.5, "import pandas, sqlalchemy, narwhals"
BARE = ["-c", "pass"]
PAIRS = {
    "import qpi": (["-c", "import qpi"], ["-c", "from pydantic import BaseModel"]),
    "qpi --help": (["-c", "from qpi.cli import main; main()", "--help"], ["-c", "import click"]),
}


def _seconds(arguments: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


def measure(runs: int = 21) -> list[tuple[str, float, float]]:
    """Return name, ratio and limit; bare Python, ours and theirs run in turn, and bare Python is taken off both."""
    rows = []
    for name, (ours, theirs) in PAIRS.items():
        for arguments in (BARE, ours, theirs):
            _seconds(arguments)
        taken = [(_seconds(BARE), _seconds(ours), _seconds(theirs)) for _ in range(runs)]
        bare, mine, other = (statistics.median(side) for side in zip(*taken, strict=True))
        label = f"{name} over `{theirs[1]}` ({1000 * (mine - bare):.0f} ms, {1000 * (other - bare):.0f} ms over bare Python)"
        rows.append((label, (mine - bare) / (other - bare), LIMITS[name]))
    return [*rows, indicators()]


def indicators(runs: int = 15) -> tuple[str, float, float]:
    """Return what `qpi metrics` takes on the demo's ledger over importing what it is built on; nothing is taken off."""
    with tempfile.TemporaryDirectory() as folder:
        _seconds(["-m", "qpi", "demo", f"{folder}/demo"])
        ours, theirs = ["-m", "qpi", "metrics", "2026-10", "-w", f"{folder}/demo"], ["-c", IMPORTS]
        for arguments in (ours, theirs):
            _seconds(arguments)
        taken = [(_seconds(ours), _seconds(theirs)) for _ in range(runs)]
    mine, other = (statistics.median(side) for side in zip(*taken, strict=True))
    label = f"qpi metrics 2026-10 of the demo over `{IMPORTS}` ({1000 * mine:.0f} ms, {1000 * other:.0f} ms)"
    return label, mine / other, METRICS_LIMIT


if __name__ == "__main__":
    for name, ratio, limit in measure():
        print(f"{name}: {ratio:.2f} (at most {limit})")
