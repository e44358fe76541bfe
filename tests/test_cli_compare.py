# SPDX-License-Identifier: GPL-2.0-only
"""The command ``compare`` over every recorded form, against a count from the text."""

import gzip
import io
import json
import lzma
import sys
from pathlib import Path

import pytest
from reference import Reference, previous_owners, rows_of_text

from xpfo_model import cli, strategies

DATA = Path(__file__).parent / "traces" / "data"
REFUSED = ("A8", "A11", "C4", "C5-perf-no-cpu", "C6", "C9")
DECIDED = ("A6", "A7", "A14")
"""Cases in which more than a line decides: its source, its release, its neighbours.
test_cases.py has what is right for them, and for those that are refused."""
RECORDINGS = sorted(DATA.glob("*.txt")) + [
    path
    for path in sorted(DATA.glob("cases/*.txt"))
    if not path.name.startswith(REFUSED + DECIDED)
]
NAMES = (*strategies.COUNTED, "return_to_user")
OLD = """\
# tracer: nop
#
  <...>-1  [000] d..1  1.000001: mm_page_alloc_zone_locked: page=ffffea0000048d00 \
pfn=4660 order=0 migratetype=1 percpu_refill=1
  <...>-1  [000] ....  1.000003: mm_page_alloc: page=ffffea0000048d00 pfn=4660 \
order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ZERO
  <...>-1  [000] ....  1.000004: mm_page_free_batched: page=ffffea0000048d00 \
pfn=4660 order=0 cold=0
  <...>-1  [000] ....  1.000004: mm_page_free: page=ffffea0000048d00 pfn=4660 order=0
  <...>-1  [000] ....  1.000005: mm_page_alloc: page=ffffea0000048d00 pfn=4660 \
order=0 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_NOTRACK
"""


def zstd(content):
    if sys.version_info >= (3, 14):
        from compression import zstd as library

        return library.compress(content)
    return pytest.importorskip("zstandard").compress(content)


def compare(capsys, *arguments):
    assert cli.main(["compare", "--json", *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out)


def forms(text, tmp_path, monkeypatch):
    """Arguments that name the same trace in every form that is read."""
    content = text.encode()
    compressed = {
        "txt": content,
        "gz": gzip.compress(content),
        "xz": lzma.compress(content),
        "zst": zstd(content),
    }
    for suffix, form in compressed.items():
        path = tmp_path / suffix / "trace"
        path.parent.mkdir()
        path.write_bytes(form)
        yield path
    assert cli.main(["convert", str(tmp_path / "txt/trace"), f"{tmp_path}/t.npz"]) == 0
    yield tmp_path / "t.npz"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    yield "-"


def expected(text, names):
    """What the command has to print of each strategy, and who had frames before."""
    rows = list(rows_of_text(text))
    counts = {}
    for name in names:
        found = Reference(name).run(rows)
        counts[name] = {
            "flushes": sum(found.flushes.values()),
            "flushes_by_cause": dict(found.flushes),
            "frames_unmapped": found.n_unmapped,
            "frames_mapped": found.n_mapped,
            "frames_exposed": found.exposed,
        }
    users = [r.user for r in rows if r.kind == "mm_page_alloc" and r.pfn >= 0]
    totals = {
        "user_allocations": sum(users),
        "kernel_allocations": len(users) - sum(users),
        **previous_owners(rows),
    }
    return totals, counts


@pytest.mark.parametrize(
    "text",
    [pytest.param(path.read_text(), id=path.stem) for path in RECORDINGS]
    + [pytest.param(OLD, id="v4.14")],
)
def test_every_form_of_a_recording_gives_the_count_from_its_text(
    text, capsys, tmp_path, monkeypatch
):
    seen = []
    for form in forms(text, tmp_path, monkeypatch):
        found = compare(capsys, "--strategies", ",".join(NAMES), form)
        names = [n for n in NAMES if n in found["strategies"]]
        assert len(names) + len(found["not_counted"]) == len(NAMES)
        totals, counts = expected(text, names)
        assert totals.items() <= found["totals"].items(), form
        for name in names:
            ours = found["strategies"][name]
            causes = ours["flushes_by_cause"]
            ours["flushes_by_cause"] = {c: n for c, n in causes.items() if n}
            assert counts[name].items() <= ours.items(), (form, name)
        seen.append(found | {"trace": ""})
    assert all(one == seen[0] for one in seen)


def test_both_starts_are_two_objects_and_two_tables(capsys, tmp_path):
    path = tmp_path / "trace"
    path.write_text(OLD)
    assert cli.main(["compare", "--json", "--start", "both", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [json.loads(line) for line in lines]
    assert [one["start"] for one in found] == ["mapped", "unmapped"]
    flushes = [one["strategies"]["per_frame"]["flushes"] for one in found]
    assert flushes == [1, 0]
    assert cli.main(["compare", "--csv", "--start", "both", str(path)]) == 0
    assert capsys.readouterr().out.count(",unmapped,") == len(strategies.SHOWN)
    assert (
        cli.main(["compare", "--start", "unmapped", "--held", "freed", str(path)]) == 0
    )
    assert "memory starts unmapped" in capsys.readouterr().out
