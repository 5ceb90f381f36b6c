"""Shipped: the catalogues that come with the package, by the names of their files."""

from pathlib import Path

DEMO = ("property-service", "safety-special")
"""The catalogues of the demo; those of small companies too."""


def folder() -> Path:
    """Return the folder with the editions: inside the package where it is installed, beside it in the repository."""
    package = Path(__file__).parent
    installed = package / "checklists"
    return installed if installed.is_dir() else package.parents[1] / "checklists"


def editions() -> dict[str, list[Path]]:
    """Return the files of each catalogue, the newest edition last; a file is named catalogue-edition.yaml."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder().glob("*.yaml")):
        found.setdefault(path.stem.rpartition("-")[0], []).append(path)
    return found
