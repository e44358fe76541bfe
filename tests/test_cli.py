# SPDX-License-Identifier: GPL-2.0-only
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from logs import GFP_KERNEL, USER_MOVABLE, alloc, free, locked, log_of

from xpfo_model import cli, gfp, replay, strategies, traces
from xpfo_model.figures import draw

ROOT = Path(__file__).parents[1]
ROWS = [
    *(locked(pfn, 1) for pfn in range(8)),
    *(alloc(pfn, USER_MOVABLE) for pfn in range(8)),
    free(3),
    alloc(3, GFP_KERNEL),
]


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "some.npz"
    traces.save(log_of(ROWS, "some"), path)
    return str(path)


def run(capsys, *arguments):
    status = cli.main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def test_compare_prints_tables_and_says_what_the_columns_are(capsys, trace):
    status, out, _ = run(capsys, "compare", trace)
    assert status == 0
    assert out.index("none ") < out.index("v6 ") < out.index("pageblock ")
    assert "synchronous TLB shootdowns" in out
    assert max(map(len, out.splitlines())) <= 72


def test_compare_json_is_one_object_per_trace(capsys, trace):
    status, out, _ = run(capsys, "compare", "--json", trace, trace)
    assert status == 0
    first, second = map(json.loads, out.splitlines())
    assert first == second
    assert first["trace"] == "some"
    assert first["lost"] == 0
    assert first["events"] == len(ROWS)
    assert set(first["totals"]) == {
        "user_allocations",
        "kernel_allocations",
        "user_zeroed",
        "user_not_movable",
        "kernel_movable",
        "refills",
        "refills_movable",
        "ownership_changes",
        "first_touch",
        "from_kernel",
        "from_user",
    }
    assert list(first["strategies"]) == list(strategies.SHOWN)
    v6 = first["strategies"]["v6"]
    assert v6["flushes"] == 8
    assert v6["flushes_by_cause"] == {
        "alloc": 8,
        "refill": 0,
        "block": 0,
        "alternation": 0,
    }
    batched = first["strategies"]["pcp_batch"]
    assert batched["frames_unmapped"] == 8
    assert batched["frames_mapped"] == 1


def test_compare_csv_and_a_choice_of_strategies(capsys, trace):
    status, out, _ = run(
        capsys, "compare", "--csv", "--strategies", "v6,pageblock", trace
    )
    assert status == 0
    assert len(out.splitlines()) == 3


def test_a_plot_without_matplotlib_is_refused_before_any_work(
    capsys, trace, monkeypatch
):
    monkeypatch.setitem(sys.modules, "xpfo_model.figures.draw", None)
    monkeypatch.delattr("xpfo_model.figures.draw", raising=False)
    status, out, err = run(capsys, "compare", "--plot", "a.svg", trace)
    assert (status, out) == (2, "")
    assert "xpfo-model[plot]" in err


def test_a_plot_says_what_it_rests_on(capsys, tmp_path):
    lost = log_of(ROWS, "some", lost=None, skipped={"kmalloc": 3})
    traces.save(lost, tmp_path / "some.npz")
    plot = ("--plot", tmp_path / "some.svg", tmp_path / "some.npz")
    assert run(capsys, "compare", *plot)[0] == 0
    outcome = replay.replay(lost)
    assert "some: sha256 0000000000000000, an unknown number of events LOST" in (
        draw.rests_on(outcome)
    )
    assert any("kmalloc 3" in line for line in draw.rests_on(outcome))


def test_compare_plots(capsys, trace, tmp_path):
    for name in ("a.svg", "a.png", "a.pdf"):
        assert run(capsys, "compare", "--plot", tmp_path / name, trace)[0] == 0
        assert (tmp_path / name).stat().st_size > 1000
    status, _, err = run(capsys, "compare", "--plot", tmp_path / "a.doc", trace)
    assert status == 2
    assert "no figure format 'doc'" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["compare", "no/such/file"], "no/such/file"),
        (["compare", "--strategies", "v10", "x"], "no strategy 'v10'"),
        (["compare", "--kernel", "v2.6", "x"], "older than all tables"),
        (["claims", "nothing"], "no claim 'nothing'"),
        (
            ["claims", "two-readings-fit", "--traces", "/nowhere"],
            "no traces here",
        ),
        (["convert", "no/such/file", "x.npz"], "no/such/file"),
    ],
)
def test_errors_are_one_message_and_status_2(capsys, arguments, complaint):
    if "--traces" in arguments:
        # a claim on published tables needs no trace
        arguments = ["claims", "few-transitions", "--traces", "/nowhere"]
    status, out, err = run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("xpfo-model: ")
    assert complaint in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["compare"],
        ["compare", "--json", "--csv", "x"],
        ["record", "--duration", "-1", "x"],
        ["frobnicate"],
    ],
)
def test_wrong_usage_is_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_convert_there_and_back_keeps_every_event(capsys, trace, tmp_path):
    text, again = tmp_path / "a.txt", tmp_path / "b.npz"
    assert run(capsys, "convert", trace, text)[0] == 0
    assert run(capsys, "convert", text, again)[0] == 0
    first, second = traces.read(trace).events, traces.read(again).events
    for name in ("time", "cpu", "kind", "flags", "pfn", "order", "gfp"):
        assert (getattr(first, name) == getattr(second, name)).all(), name


def test_convert_to_standard_output(capsys, trace):
    status, out, _ = run(capsys, "convert", trace, "-")
    assert status == 0
    assert out.count("mm_page_alloc: ") == 9


def test_claims_are_listed_and_printed(capsys):
    folder = ROOT / "docs" / "traces"
    status, out, _ = run(capsys, "claims", "--list")
    assert status == 0
    assert "pcp-batch-divides" in out.split()
    status, out, _ = run(capsys, "claims", "two-readings-fit", "--traces", folder)
    assert status == 0
    assert "model" in out.splitlines()[0]
    status, out, _ = run(
        capsys, "claims", "two-readings-fit", "--json", "--traces", folder
    )
    assert json.loads(out)["stands"] is True


def test_a_claim_that_does_not_stand_is_status_1(capsys, monkeypatch):
    import dataclasses

    from xpfo_model import claims

    item = claims.REGISTRY["two-readings-fit"]
    find = item.find
    item = dataclasses.replace(
        item, find=lambda e, same_cycles=True: find(e, same_cycles=True)
    )
    monkeypatch.setitem(claims.REGISTRY, "two-readings-fit", item)
    folder = str(ROOT / "docs" / "traces")
    status, _, err = run(capsys, "claims", "two-readings-fit", "--traces", folder)
    assert status == 1
    assert "claim two-readings-fit does not hold" in err


def test_it_reads_a_pipe_and_shows_no_bar_in_one(trace):
    done = subprocess.run(
        [sys.executable, "-m", "xpfo_model", "compare", "--json", "-"],
        input=Path(trace).read_bytes(),
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert json.loads(done.stdout)["events"] == len(ROWS)


def test_a_reader_that_leaves_early_is_no_traceback(trace):
    done = subprocess.run(
        f"{sys.executable} -m xpfo_model convert {trace} - | head -1",
        shell=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_fidelity_prints_both_levels_in_72_columns(capsys, trace):
    status, out, said = run(capsys, "fidelity", trace)
    assert status == 0
    assert "allocator of v6.1, " in out
    assert out.index("level pcp (model)") < out.index("level full (model)")
    assert max(map(len, out.splitlines())) <= 72
    assert "no zoneinfo" in out
    assert "--allocator names one" in out
    status, out, said = run(capsys, "fidelity", trace, "--allocator", "v4.14")
    assert status == 0
    assert "allocator of v4.14, named by the caller\n" in out
    assert "GFP masks of v6.1" in out
    status, out, said = run(capsys, "fidelity", trace, "--json", "--kernel", "v6.1")
    found = json.loads(out)
    assert (status, found["kernel"], found["allocator"]) == (0, "v6.1", "v6.1")
    assert "no zoneinfo" in said


def test_fidelity_as_json_and_a_dump_of_every_allocation(capsys, trace, tmp_path):
    dump = tmp_path / "dump.csv"
    status, out, _ = run(capsys, "fidelity", trace, "--json", "--dump", dump)
    assert status == 0
    found = json.loads(out)
    assert found["allocations"] == 9
    assert found["flushes"]["v6"] == {"kernel": 8, "model": 8}
    for both in ("refills", "drains", "fallbacks", "ownership_changes"):
        assert set(found[both]) == {"kernel", "model"}
    assert found["pcp"]["allocations"] == found["full"]["allocations"] == 9
    head, *rows = dump.read_text().splitlines()
    assert head == "event,predicted_pfn,actual_pfn"
    cells = [row.split(",") for row in rows]
    assert [(row[0], row[2]) for row in cells] == [
        *((str(8 + pfn), str(pfn)) for pfn in range(8)),
        ("17", "3"),
    ]
    assert sum(row[1] == row[2] for row in cells) == found["pfn_exact"]


def test_a_zoneinfo_that_is_none_is_named(capsys, trace, tmp_path):
    text = tmp_path / "some.txt"
    text.write_text("Node 0\n")
    status, _, said = run(capsys, "fidelity", trace, "--zoneinfo", text)
    assert status == 2
    assert "some.txt: no zone of node 0 has memory" in said
    status, _, said = run(capsys, "fidelity", trace, "--zoneinfo", "nowhere")
    assert status == 2
    assert "nowhere" in said


def test_record_takes_options_on_both_sides_of_out_and_a_command(monkeypatch):
    from xpfo_model.recorder import record

    given = []
    monkeypatch.setattr(record, "record", lambda out, **how: given.append((out, how)))
    for line in (
        "record --sched --buffer-size 8 x.txt -- make --sched -- -j4",
        "record x.txt --buffer-size 8 --sched -- make --sched -- -j4",
    ):
        cli.main(line.split())
        out, how = given.pop()
        assert out == "x.txt"
        assert how["sched"]
        assert how["buffer_kb"] == 8
        assert how["command"] == ["make", "--sched", "--", "-j4"]
    cli.main(["record", "x.txt"])
    assert given.pop()[1]["command"] is None


def test_record_without_out_says_so(capsys):
    for line in (["record"], ["record", "--", "true"]):
        with pytest.raises(SystemExit):
            cli.main(line)
        assert capsys.readouterr().err.endswith("arguments are required: OUT\n")


def test_no_bar_is_loaded_where_none_is_shown(trace):
    code = "import sys; from xpfo_model import cli; cli.main(sys.argv[1:]); "
    code += "sys.exit('tqdm' in sys.modules)"
    command = [sys.executable, "-c", code, "compare", "--strategies", "v6", trace]
    assert subprocess.run(command, check=True, capture_output=True).stdout


def test_convert_does_not_write_over_what_it_reads(tmp_path, capsys):
    path = tmp_path / "own.txt"
    text = "# tracer: nop\n"
    path.write_text(text)
    status, _, err = run(capsys, "convert", path, tmp_path / "." / "own.txt")
    assert status == 2
    assert "OUT is TRACE" in err
    assert path.read_text() == text


def test_a_figure_format_is_refused_before_anything_is_counted(capsys):
    status, _, err = run(capsys, "compare", "--plot", "figure.gif", "/nowhere")
    assert status == 2
    assert "pdf, png, svg" in err


@pytest.mark.parametrize(
    "name", ["a.foo", "a.npy", "a.txt.zip", "a.dat", "a.foo.gz", "a.npz.gz"]
)
def test_convert_writes_no_form_that_its_name_does_not_say(
    tmp_path, capsys, trace, name
):
    assert cli.main(["convert", str(trace), str(tmp_path / name)]) == 2
    err = capsys.readouterr().err
    assert "names no form" in err
    assert ".npz, .parquet" in err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["a", "a.txt", "a.trace.gz", "a.npz"])
def test_convert_writes_what_its_name_says(tmp_path, trace, name):
    assert cli.main(["convert", str(trace), str(tmp_path / name)]) == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["report", "/nowhere", "out.txt"], "the report is HTML"),
        (["report", "own.html", "./own.html"], "OUT is TRACE"),
        (["compare", "--plot", "/proc/a.svg", "/nowhere"], "no file can be made"),
        (["fidelity", "--dump", "/proc/a.csv", "/nowhere"], "no file can be made"),
        (["fidelity", "--dump", "own.html", "own.html"], "OUT is TRACE"),
        (["compare", "--plot", "no/folder/a.svg", "/nowhere"], "there is no folder"),
    ],
)
def test_where_it_writes_is_looked_at_first(
    arguments, complaint, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.html").write_text("# tracer: nop\n")
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert complaint in err
    assert [path.name for path in tmp_path.iterdir()] == ["own.html"]


@pytest.mark.parametrize("command", ["convert", "report"])
def test_a_file_that_cannot_be_written_is_found_before_the_work(
    tmp_path, capsys, trace, command, monkeypatch
):
    def read(*_, **__):
        raise AssertionError("the trace was read before")

    module = importlib.import_module(f"xpfo_model.cli.{command}")
    monkeypatch.setattr(module, "opened", read)
    nowhere = tmp_path / "not" / "there.html"
    if command == "convert":
        nowhere = nowhere.with_suffix(".npz")
    assert cli.main([command, str(trace), str(nowhere)]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_kernel_newer_than_all_tables_is_said_to_be_one(capsys, trace, tmp_path):
    text = str(tmp_path / "some.txt")
    assert cli.main(["convert", trace, text]) == 0
    assert cli.main(["compare", "--kernel", "v9.9", text]) == 0
    said = " ".join("".join(capsys.readouterr()).split())
    assert "v9.9 is newer than all tables" in said
    assert cli.main(["compare", "--kernel", gfp.CHECKED, text]) == 0
    assert "newer than all" not in "".join(capsys.readouterr())
