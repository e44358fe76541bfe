# SPDX-License-Identifier: GPL-2.0-only
import shutil

import pytest

from xpfo_model.errors import TraceError
from xpfo_model.evidence import Evidence


def test_every_trace_has_provenance_and_the_sha256_that_it_states(evidence):
    assert len(evidence.names) >= 5
    for name in evidence.names:
        facts = evidence.provenance[name]
        assert evidence.log(name).about.sha256 == facts.sha256
        assert evidence.log(name).about.lost == 0
        assert (evidence.directory / facts.workload).exists()
        assert facts.cpus >= int(evidence.log(name).events.cpu.max()) + 1


def test_the_traces_are_small_enough_for_a_repository(evidence):
    sizes = [path.stat().st_size for path in evidence.directory.glob("*.npz")]
    assert sum(sizes) <= 12_000_000


def test_a_folder_without_traces_is_an_error(tmp_path):
    with pytest.raises(TraceError, match="--traces"):
        Evidence(tmp_path).names  # noqa: B018


def test_a_trace_without_provenance_is_an_error(tmp_path):
    (tmp_path / "a.npz").touch()
    with pytest.raises(TraceError, match=r"a\.toml"):
        Evidence(tmp_path).names  # noqa: B018


def test_a_trace_that_is_not_the_one_of_its_provenance_is_an_error(evidence, tmp_path):
    name = evidence.provenance["netmap-3cpu"].name
    shutil.copy(evidence.directory / f"{name}.npz", tmp_path)
    text = (evidence.directory / f"{name}.toml").read_text()
    sha256 = evidence.provenance["netmap-3cpu"].sha256
    (tmp_path / f"{name}.toml").write_text(text.replace(sha256, "0" * 64))
    with pytest.raises(TraceError, match="import the trace"):
        Evidence(tmp_path).log("netmap-3cpu")
