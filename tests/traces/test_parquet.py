# SPDX-License-Identifier: GPL-2.0-only
"""Parquet files, as pyarrow reads them."""

import builtins
import json

import numpy as np
import pytest
from texts import DATA

from xpfo_model import events as ev
from xpfo_model import traces
from xpfo_model.errors import MissingToolError
from xpfo_model.traces import facts, parquet


def test_every_column_has_its_name_type_and_values(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    log = traces.read(DATA / "ftrace-6.1.txt")
    about = traces.save(log, tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == list(ev.DTYPES)
    for name, kind in ev.DTYPES.items():
        column = table[name].to_numpy()
        assert column.dtype == kind
        assert np.array_equal(column, getattr(log.events, name))
    metadata = pq.read_metadata(tmp_path / "a.parquet").metadata
    found = json.loads(metadata[parquet.KEY.encode()])
    assert facts.of_json(found) == about == log.about


def test_it_takes_chunks_as_they_come(tmp_path):
    table_of = pytest.importorskip("pyarrow.parquet").read_table
    log = traces.read(DATA / "ftrace-6.1.txt")
    with (tmp_path / "a").open("wb") as file, parquet.Writer(file, "a") as writer:
        for chunk in log.chunks(5):
            writer.add(chunk)
        writer.finish(log.about)
    assert np.array_equal(table_of(tmp_path / "a")["pfn"].to_numpy(), log.events.pfn)


def test_without_pyarrow_it_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    log = traces.read(DATA / "ftrace-6.1.txt")
    with pytest.raises(MissingToolError, match=r"xpfo-model\[parquet\]"):
        traces.save(log, tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []
