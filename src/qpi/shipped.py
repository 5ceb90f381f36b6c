"""Shipped: the catalogues that come with the package, by the names of their files."""

import re
from pathlib import Path

DEMO = ("property-service", "safety-special")
"""The catalogues of the demo; those of small companies too."""
_HEAD = re.compile(r'^(catalogue|effective_from): "?([^"\s]+)"?', re.MULTILINE)


def folder() -> Path:
    """Return the folder with the editions: inside the package where it is installed, beside it in the repository."""
    package = Path(__file__).parent
    installed = package / "checklists"
    return installed if installed.is_dir() else package.parents[1] / "checklists"


def editions(where: Path | None = None) -> dict[str, list[Path]]:
    """Return the files of each catalogue by its name, the edition that takes effect last at the end."""
    found: dict[str, list[tuple[str, Path]]] = {}
    for path in sorted((where or folder()).glob("*.yaml")):
        with path.open(encoding="utf-8") as file:
            head = dict(_HEAD.findall(file.read(4096)))
        found.setdefault(head["catalogue"], []).append((head["effective_from"], path))
    return {name: [path for _, path in sorted(paths)] for name, paths in found.items()}
