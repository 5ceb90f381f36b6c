"""Parquet: rows of a table in one file with its declared types."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from qpi.errors import UsageError
from qpi.frames import DAY, KEY, MOMENT, TEXT, WHOLE
from qpi.messages import Message, say

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet as pq
except ImportError as missing:
    raise UsageError(say("Parquet is read and written with pyarrow; pip install 'qpi[parquet]'")) from missing

ROWS = 122_880
"""Rows of a group: DuckDB reads as many at once, and one group after another on each of its threads."""
_MOST_BYTES = 1 << 26
"""A group is ended early where its texts are as long as this, so that memory stays bounded."""
_TYPES = {
    TEXT: pa.string(), KEY: pa.string(), WHOLE: pa.int64(), DAY: pa.date32(), MOMENT: pa.timestamp("us", tz="UTC")
}  # fmt: skip


def table(columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> Any:
    """Return rows of the ledger as an Arrow table of declared types; raise ValueError where a day or moment is none."""
    cells: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [_array(kind, cell) for kind, cell in zip(columns.values(), cells, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema(columns))


def schema(columns: Mapping[str, str]) -> Any:
    """Return the columns with their declared types."""
    return pa.schema([(name, _TYPES[kind]) for name, kind in columns.items()])


def _array(kind: str, cells: Sequence[Any]) -> Any:
    if kind in (DAY, MOMENT):
        # Days and moments stand in the ledger as ISO texts; each is read once, however often it stands there.
        texts = pa.array(cells, pa.string()).dictionary_encode()
        known = texts.dictionary.cast(_TYPES[kind])
        return known.take(texts.indices)
    return pa.array(cells, _TYPES[kind])


def by_month(rows: Any) -> dict[str, Any]:
    """Return the rows of each month by their column `day`, in their order."""
    days = rows["day"].combine_chunks().dictionary_encode()
    if isinstance(days, pa.ChunkedArray):
        days = days.chunk(0)
    names = [day.isoformat()[:7] for day in days.dictionary.to_pylist()]
    months = pa.array(names, pa.string()).take(days.indices)
    found = sorted(set(names))
    if len(found) == 1:
        return {found[0]: rows}
    return {month: rows.filter(pc.equal(months, month)) for month in found}


def put(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame of pandas into a file."""
    frame.to_parquet(path, engine="pyarrow", compression="zstd", index=False)


def got(path: Path) -> pd.DataFrame:
    """Return a file as a frame of pandas."""
    return pd.read_parquet(path, engine="pyarrow")


class Writing:
    """A file that is being written, in groups of rows; what waits for its group is in memory."""

    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        self.rows = 0
        self._schema = schema(columns)
        self._file = path.open("wb")
        # Without the schema of Arrow in it every reader sees the same plain types.
        self._writer = pq.ParquetWriter(
            self._file, self._schema, compression="zstd", use_dictionary=True, store_schema=False, version="2.6"
        )
        self._waiting: list[Any] = []
        self.waiting_rows = self.waiting_bytes = 0

    def add(self, rows: Any) -> None:
        """Add rows behind those that are there."""
        self.rows += rows.num_rows
        while self.waiting_rows + rows.num_rows >= ROWS:
            rest = ROWS - self.waiting_rows
            self._keep(rows.slice(0, rest))
            self.flush()
            rows = rows.slice(rest)
        self._keep(rows)
        if self.waiting_bytes >= _MOST_BYTES:
            self.flush()

    def _keep(self, rows: Any) -> None:
        if rows.num_rows:
            self._waiting.append(rows)
            self.waiting_rows += rows.num_rows
            self.waiting_bytes += rows.nbytes

    def flush(self) -> None:
        """Write what waits as a group."""
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=ROWS)
        self._waiting = []
        self.waiting_rows = self.waiting_bytes = 0

    def close(self) -> None:
        """Write what waits, and end the file."""
        self.flush()
        self._writer.close()
        self._file.close()

    def give_up(self) -> None:
        """Let the file go as it is, half written."""
        self._waiting = []
        self._file.close()


def fault_of(error: Exception) -> Message:
    """Say how a file cannot be read; raise the error again where it is of the disk, which proves nothing of the file."""
    if getattr(error, "errno", None):
        raise error
    return say("cannot be read ({reason})", reason=str(error).splitlines()[0])


class Reading:
    """A file whose rows are read in their order, some at a time, and compared with those that should be there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self._batches: Iterator[Any] = iter(())
        self._waiting: Any = None
        self._unread = 0

    def fault(self, rows: Any) -> Message | None:
        """Say how the next rows of the file are not these, or return None."""
        try:
            found = self._taken(rows.num_rows, rows.schema)
        except (pa.ArrowException, OSError) as error:
            return fault_of(error)
        if found.num_rows == rows.num_rows and found.equals(rows):
            return None
        for there, row in zip_longest(found.to_pylist(), rows.to_pylist()):
            if there is None:
                return say("lacks the row of entry {entry}", entry=row["entry"])
            other = [name for name in row if there[name] != row[name]]
            if other:
                names = ", ".join(other)
                return say("entry {entry}: {columns} not as in the ledger", entry=row["entry"], columns=names)
        return None

    @property
    def ended(self) -> bool:
        """Whether every row of the file was read."""
        return self._file is not None and not self._unread

    def _taken(self, number: int, expected: Any) -> Any:
        if self._file is None:
            self._file = pq.ParquetFile(self._path)
            self._unread = self._file.metadata.num_rows
            self._batches = self._file.iter_batches(batch_size=ROWS)
            self._waiting = expected.empty_table()
        while self._waiting.num_rows < number:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._waiting = pa.concat_tables([self._waiting, pa.Table.from_batches([batch]).cast(expected)])
        found, self._waiting = self._waiting.slice(0, number), self._waiting.slice(number)
        self._unread -= found.num_rows
        return found

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()


__all__ = ["ROWS", "Reading", "Writing", "by_month", "fault_of", "got", "put", "schema", "table"]
