# SPDX-License-Identifier: GPL-2.0-only
"""Logs in the first form: those of the project are in it."""

import shutil

import pytest
from texts import DATA

from xpfo_model import traces
from xpfo_model.errors import TraceError

V1 = DATA / "ftrace-6.1-v1.npz"


def test_it_reads_as_the_text_from_which_it_was_made():
    assert traces.read(V1) == traces.read(DATA / "ftrace-6.1.txt")


def test_what_it_did_not_save_has_a_value(tmp_path):
    import json
    import zipfile

    with zipfile.ZipFile(V1) as old, zipfile.ZipFile(tmp_path / "a", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "about.json":
                head = json.loads(content)
                for fact in ("format", "kernel_from", "header", "zoneinfo", "cpus"):
                    del head["about"][fact]
                content = json.dumps(head)
            new.writestr(name, content)
    about = traces.read(tmp_path / "a").about
    assert (about.format, about.kernel_from) == ("ftrace", "as it was saved")
    assert (about.header, about.zoneinfo, about.cpus) == ((), "", None)


def test_it_becomes_the_second_form_and_loses_nothing(tmp_path):
    with traces.open_trace(V1) as trace:
        traces.save(trace, tmp_path / "a.npz")
    assert traces.read(tmp_path / "a.npz") == traces.read(V1)


def test_a_cut_file_is_refused(tmp_path):
    shutil.copy(V1, tmp_path / "a.npz")
    with (tmp_path / "a.npz").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(TraceError, match=r"a\.npz"):
        traces.read(tmp_path / "a.npz")
