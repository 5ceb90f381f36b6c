"""How evaluations-extract.csv was chosen: `python extract.py EVALUATIONS.csv > evaluations-extract.csv`."""

import csv
import sys
from pathlib import Path

SIZE = 200


def odd(row: dict[str, str]) -> bool:
    """Whether a row has something that a reader can trip over."""
    return (
        any(cell.startswith(" ") for cell in row.values())
        or row["YEAR EVALUATED"] != row["EVALUATION COMPLETED ON"][:4]
        or row["YEAR BUILT"] == ""
        or not row["PROACTIVE BUILDING SCORE"].isdigit()
        or int(row["PROACTIVE BUILDING SCORE"]) < 40
    )


def chosen(rows: list[dict[str, str]]) -> set[str]:
    """The RSN of every building with an odd row, filled up to 200 with evenly spaced others."""
    oddities = {row["RSN"] for row in rows if odd(row)}
    others = sorted({row["RSN"] for row in rows} - oddities)
    wanted = SIZE - len(oddities)
    return oddities | {others[n * len(others) // wanted] for n in range(wanted)}


def main() -> None:
    """Copy the rows of the chosen buildings, in the order of the source, cell by cell as they are."""
    with Path(sys.argv[1]).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    keep = chosen(rows)
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for row in rows if row["RSN"] in keep)


if __name__ == "__main__":
    main()
