# SPDX-License-Identifier: GPL-2.0-only
"""The zoneinfo that is beside a trace is found, and no other."""

import pytest

from xpfo_model.fidelity import zoneinfo_beside


@pytest.mark.parametrize("trace", ["a-6.1.npz", "a-6.1.trace.gz", "a-6.1"])
def test_it_has_the_name_of_the_trace(tmp_path, trace):
    found = tmp_path / "a-6.1.zoneinfo.start"
    found.write_text("")
    (tmp_path / "b.zoneinfo.start").write_text("")
    assert zoneinfo_beside(tmp_path / trace) == found


def test_there_need_not_be_one(tmp_path):
    (tmp_path / "b.zoneinfo.start").write_text("")
    assert zoneinfo_beside(tmp_path / "a.npz") is None
