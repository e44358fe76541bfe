# SPDX-License-Identifier: GPL-2.0-only
"""The registry, and a strategy as text."""

from xpfo_model import strategies

POSTED = (
    *("none", "v6", "per_frame", "alternation", "pcp_batch", "pcp_batch_consume"),
    *("pageblock", "list_at_once", "return_to_user", "kernel_entry", "v3", "v5"),
    *("will_map", "nov2017", "v7", "v8", "v9", "freetype"),
    "pcp_batch_prezero",
)


def test_the_registry_says_what_each_version_keeps_and_where_it_is_called():
    entries = {name: strategies.REGISTRY[name] for name in POSTED}
    marked = {"v6", "v3", "v5", "will_map", "nov2017", "v7", "v8", "v9"}
    marked |= {"kernel_entry", "freetype"}
    assert {n for n, e in entries.items() if e.marks} == {*marked, "pcp_batch_prezero"}
    assert [n for n, e in entries.items() if not e.unmapped_mark] == [
        "freetype",
        "pcp_batch_prezero",
    ]
    assert [n for n, entry in entries.items() if entry.safe] == ["freetype"]
    assert {n for n, e in strategies.REGISTRY.items() if e.safe} == {
        "freetype",
        "per_frame_local",
        "per_frame_closed",
        strategies.RECOMMENDED,
    }
    assert (
        *("none", "v6", "per_frame", "alternation"),
        *("pcp_batch", "pcp_batch_consume", "pageblock"),
    ) == strategies.COUNTED
    off = {name: entry.irqs_off for name, entry in entries.items() if entry.irqs_off}
    assert off == dict.fromkeys([*POSTED[:-2], POSTED[-1]], ("refill", "change_block"))
    assert strategies.REGISTRY[strategies.RECOMMENDED].irqs_off == ("change_block",)


def test_a_strategy_as_text_has_every_hook_and_where_it_is_written():
    text = strategies.text("pcp_batch_local")
    comments = [line for line in text.splitlines() if line.startswith("# ")]
    assert comments == [
        "# post_alloc_hook()  # guarantee.guarantee",
        "# free_pages_prepare()  # guarantee.leave",
        "# kmap(), kmap_atomic()  # kmaps.local_kmap",
        "# kunmap(), kunmap_atomic()  # kmaps.local_kunmap",
        "# rmqueue_bulk()",
        "# free_pcppages_bulk()  # guarantee.leave",
        "# set_pageblock_migratetype() and the fallback  # guarantee.ignore",
        "# split_map_pages()  # guarantee.isolate_for_kernel",
        "# move_to_new_folio()  # guarantee.move_unseen",
        "# switch_mm_irqs_off()  # guarantee.go_on",
    ]
    defined = [line for line in text.splitlines() if line.startswith("def ")]
    assert [line[4 : line.index("(")] for line in defined] == list(strategies.HOOKS)
    own = strategies.text("v5")
    assert own.startswith("# post_alloc_hook()\ndef alloc(")
    assert "\n\n# free_pages_prepare()\ndef free(" in own


def test_two_strategies_differ_where_they_say():
    assert strategies.diff("v5", "v5") == ""
    lines = strategies.diff("per_frame", "pcp_batch_local").splitlines()
    assert lines[:2] == ["--- per_frame", "+++ pcp_batch_local"]
    assert "-# kmap(), kmap_atomic()  # kmaps.physmap_kmap" in lines
    assert "+# kmap(), kmap_atomic()  # kmaps.local_kmap" in lines
    assert "+        flush(m, REFILL)" in lines
    context = lines[3 : next(i for i, s in enumerate(lines) if s.startswith("-#"))]
    assert len(context) == 2, "two lines around each difference"
    assert all(line.startswith(" ") for line in context)
