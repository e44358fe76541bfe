# SPDX-License-Identifier: GPL-2.0-only
"""Save events as a Parquet file, which pandas, polars and DuckDB read.

Its columns are those of `Events`, by their names and of their types; the facts
about the trace are JSON in the metadata of the file, under `KEY`.
"""

import json
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from xpfo_model.errors import MissingToolError
from xpfo_model.events import DTYPES, About, Events
from xpfo_model.traces import facts

KEY: Final = "xpfo-model"
"""Name of the facts in the metadata of the file."""


class Writer:
    """Saves chunks of events as they come: a context manager.

    Nothing is complete before `finish`. Raises `MissingToolError` without pyarrow.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra, for this one format
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError:
            raise MissingToolError(
                "writing Parquet needs the package pyarrow",
                file=name,
                remedy="pip install 'xpfo-model[parquet]', or give a name in .npz",
            ) from None
        self._arrow: Any = pa
        columns = [(name, pa.from_numpy_dtype(kind)) for name, kind in DTYPES.items()]
        self._schema = pa.schema(columns)
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def add(self, events: Events) -> None:
        """Save more events, in order."""
        arrays = [self._arrow.array(column) for column in events]
        self._writer.write_batch(
            self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema)
        )

    def finish(self, about: About) -> None:
        """Save the facts: the last step."""
        self._writer.add_key_value_metadata({KEY: json.dumps(facts.as_json(about))})
