# SPDX-License-Identifier: GPL-2.0-only
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from xpfo_model import checker, strategies
from xpfo_model.errors import TraceError
from xpfo_model.events import PAGE_FAULT_USER, SYS_ENTER, SYS_EXIT
from xpfo_model.studies import evidence as module
from xpfo_model.studies.evidence import WHAT_IFS, Evidence

TINY = checker.limited(checker.scope("small"), 20)


def test_every_trace_has_provenance_and_the_sha256_that_it_states(evidence):
    assert len(evidence.names) >= 5
    for name in evidence.names:
        facts = evidence.provenance[name]
        assert evidence.log(name).about.sha256 == facts.sha256
        assert evidence.log(name).about.lost == 0
        assert (evidence.directory / facts.workload).exists()
        assert facts.cpus >= int(evidence.log(name).events.cpu.max()) + 1


def test_a_trace_whose_workload_had_a_disk_says_so(evidence):
    for facts in evidence.provenance.values():
        script = (evidence.directory / facts.workload).read_text()
        size = script.partition("--disk ")[2].split(maxsplit=1)
        assert facts.disk.startswith(size[0]) if size else not facts.disk


def test_the_traces_are_small_enough_for_a_repository(evidence):
    sizes = [path.stat().st_size for path in evidence.directory.glob("*.npz")]
    assert sum(sizes) <= 12_000_000


def test_a_trace_for_one_question_is_in_no_table_of_all(evidence):
    mine = Evidence(evidence.directory)
    assert mine.asked("border") == ["border-2cpu", "border-4cpu"]
    assert not set(mine.asked("border")) & set(mine.names)
    for name in mine.asked("border"):
        facts = mine.known()[name]
        assert mine.log(name).about.sha256 == facts.sha256
        assert (mine.directory / facts.workload).exists()
        kinds = mine.steps(name)[1].kinds
        assert all(kinds[kind] for kind in (SYS_ENTER, SYS_EXIT, PAGE_FAULT_USER))
    assert mine.asked("another") == mine.names


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
    with pytest.raises(TraceError, match="convert the trace again"):
        Evidence(tmp_path).log("netmap-3cpu")


def without_times(reports):
    return {name: replace(report, seconds=0.0) for name, report in reports.items()}


def test_reports_are_the_same_wherever_they_were_made(evidence, monkeypatch):
    monkeypatch.setattr(module, "prepare", lambda *what: None)
    monkeypatch.setattr(module, "prepare_allocator", lambda: None)
    here = Evidence(evidence.directory).reports(TINY)
    assert list(here) == [name for name in strategies.REGISTRY if name != "none"]
    unsafe = [r for r in here.values() if not r.claims_safe]
    assert max(report.states for report in unsafe) == TINY.most_states
    with ThreadPoolExecutor(1) as pool:
        other = Evidence(evidence.directory, pool)
        other.start([TINY])
        there = other.reports(TINY)
        assert other.reports(TINY) == there
    assert without_times(here) == without_times(there)


def test_loops_are_compiled_ahead(evidence, monkeypatch):
    prepared = []
    monkeypatch.setattr(module, "prepare", lambda *what: prepared.append(what))
    monkeypatch.setattr(module, "prepare_allocator", lambda: prepared.append("model"))
    with ThreadPoolExecutor(1) as pool:
        Evidence(evidence.directory, pool).start([])
    loops = [*((name, {}) for name in strategies.REGISTRY), *WHAT_IFS]
    assert prepared == ["model", *loops]


def test_the_allocator_can_be_compiled_on_next_to_nothing():
    assert 0 < module.prepare_allocator() < 1000


def test_what_was_not_compiled_ahead_cannot_be_counted(evidence, monkeypatch):
    def broken(strategy, replaced):
        raise OSError(strategy)

    monkeypatch.setattr(module, "prepare", broken)
    monkeypatch.setattr(module, "prepare_allocator", lambda: None)
    with ThreadPoolExecutor(1) as pool:
        other = Evidence(evidence.directory, pool)
        other._logs, other._steps = evidence._logs, evidence._steps
        other.start([])
        with pytest.raises(OSError, match="v6"):
            other.counts("netmap-3cpu", "v6")


def test_without_an_executor_nothing_is_started(evidence, monkeypatch):
    monkeypatch.setattr(module, "check_all", None)
    Evidence(evidence.directory).start([TINY])
