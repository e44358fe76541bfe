# SPDX-License-Identifier: GPL-2.0-only
"""What stands beside a trace: every fault of it is an error that names the file."""

from pathlib import Path

import pytest
from logs import USER_MOVABLE, alloc, log_of

from xpfo_model import cli, traces
from xpfo_model.errors import TraceError
from xpfo_model.studies import provenance
from xpfo_model.studies.evidence import Evidence

LOG = log_of([alloc(0, USER_MOVABLE, cpu=1)], "mine", cpus=None)
KEYS = ["short", "title", "memory", "kernel", "machine", "command_line", "workload"]
KEYS += ["workload_title", "date", "sha256", "events", "removed"]
SOUND = "".join(f'{key} = "{key}"\n' for key in KEYS if key != "sha256") + (
    f'cpus = 2\nsha256 = "{LOG.about.sha256}"\n'
)


def folder_of(folder, *texts):
    """A folder of traces, one for each text, which stands beside it."""
    for name, text in zip("abc", texts, strict=False):
        traces.save(LOG, folder / f"{name}.npz")
        content = text if isinstance(text, bytes) else text.encode()
        (folder / f"{name}.toml").write_bytes(content)
    return Evidence(folder, docs=folder)


def without(key):
    return "".join(line for line in SOUND.splitlines(True) if not line.startswith(key))


def test_a_sound_file_is_read(tmp_path):
    evidence = folder_of(tmp_path, SOUND + 'disk = "64 MiB"\n')
    assert evidence.names == ["short"]
    assert evidence.provenance["short"].disk == "64 MiB"
    assert len(evidence.log("short").events.cpu) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ garbage", r"a\.toml:1: not TOML"),
        ("", r"a\.toml: the key short is missing\n  it needs the keys short, title"),
        (without("date"), "the key date is missing"),
        (SOUND + 'owner = "me"\n', "the key owner is not known\n  leave it out"),
        (SOUND + 'name = "me"\n', "the key name is not known"),
        (b'short = "\xff"\n', r"a\.toml: not UTF-8"),
        (without("cpus") + 'cpus = "one"\n', "cpus is 'one'\n  write a whole number"),
        (without("cpus") + "cpus = true\n", "cpus is True"),
        (without("cpus") + "cpus = 1.0\n", r"cpus is 1\.0"),
        (without("cpus") + "cpus = -3\n", "cpus is -3\n  write a number from 1 on"),
        (without("cpus") + "cpus = 0\n", "cpus is 0"),
        (without("memory") + "memory = 512\n", 'memory is 512\n  write memory = "'),
        (without("short") + 'short = " "\n', "short is empty"),
    ],
)
def test_a_fault_of_a_file_names_it_and_the_key(tmp_path, text, said):
    evidence = folder_of(tmp_path, text)
    with pytest.raises(TraceError, match=said) as caught:
        evidence.names  # noqa: B018
    assert str(tmp_path / "a.toml") in str(caught.value)
    assert caught.value.remedy


def test_a_fault_is_told_by_the_command_without_a_traceback(tmp_path, capsys):
    folder_of(tmp_path, "{ garbage")
    assert cli.main(["claims", "--traces", str(tmp_path), "few-transitions"]) != 0
    assert "a.toml:1: not TOML" in capsys.readouterr().err


def test_two_traces_of_one_name_are_an_error_that_names_both(tmp_path):
    evidence = folder_of(tmp_path, SOUND, SOUND)
    with pytest.raises(TraceError, match="short = 'short'") as caught:
        evidence.names  # noqa: B018
    assert all(f"{tmp_path / name}.toml" in str(caught.value) for name in "ab")


def test_nor_may_a_trace_for_one_question_have_the_name_of_another(tmp_path):
    (tmp_path / "border").mkdir()
    folder_of(tmp_path / "border", SOUND)
    evidence = folder_of(tmp_path, SOUND)
    evidence.apart("border")
    with pytest.raises(TraceError, match=r"border.a\.toml: short = 'short'"):
        evidence.known()


@pytest.mark.parametrize(
    ("told", "stated", "fits"),
    [(None, 1, False), (None, 2, True), (None, 16, True), (2, 16, False), (2, 2, True)],
)
def test_the_cpus_are_those_of_the_trace(told, stated, fits):
    log = log_of([alloc(0, USER_MOVABLE, cpu=1)], cpus=told)
    values = dict.fromkeys([*KEYS, "name"], "-") | {"sha256": log.about.sha256}
    facts = provenance.Provenance(cpus=stated, **values)
    if fits:
        provenance.check(facts, log, Path("traces"))
    else:
        with pytest.raises(TraceError, match=r"write cpus = 2") as caught:
            provenance.check(facts, log, Path("traces"))
        assert "-.toml" in str(caught.value)


def test_a_trace_that_is_not_the_one_of_its_provenance_says_what_to_write(tmp_path):
    other = SOUND.replace(LOG.about.sha256, "1" * 64)
    evidence = folder_of(tmp_path, other)
    with pytest.raises(TraceError, match=f'write sha256 = "{LOG.about.sha256}"'):
        evidence.log("short")


def test_a_trace_may_name_more_cpus_than_its_head(tmp_path):
    assert provenance.cpus_of(log_of([alloc(0, USER_MOVABLE, cpu=6)], cpus=4)) == 7
    assert provenance.cpus_of(log_of([alloc(0, USER_MOVABLE)], cpus=4)) == 4
