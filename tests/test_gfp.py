# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model import gfp
from xpfo_model.errors import UnknownGfpFlagError, UnknownKernelError

# Composite masks as the kernels' headers add up, written down independently.
KNOWN = [
    ("v4.14", "GFP_KERNEL", 0x14000C0),
    ("v4.14", "GFP_HIGHUSER", 0x14200C2),
    ("v4.14", "GFP_HIGHUSER_MOVABLE", 0x14200CA),
    ("v4.14", "GFP_TRANSHUGE", 0x4342CA),
    ("v4.14", "GFP_ATOMIC", 0x1080020),
    ("v4.19", "GFP_KERNEL", 0x6000C0),
    ("v4.19", "GFP_HIGHUSER_MOVABLE", 0x6200CA),
    ("v5.4", "GFP_HIGHUSER", 0x100CC2),
    ("v6.1", "GFP_KERNEL_ACCOUNT", 0x400CC0),
    ("v6.1", "GFP_TRANSHUGE_LIGHT", 0x1C20CA),
    ("v6.1", "GFP_ATOMIC", 0xA20),
    ("v6.1", "GFP_NOWAIT", 0x800),
    ("v6.18", "GFP_ATOMIC", 0x820),
    ("v6.18", "GFP_NOWAIT", 0x2800),
    ("v6.18", "GFP_HIGHUSER", 0x100CC2),
]
kernels = st.sampled_from(gfp.KERNELS)


@pytest.mark.parametrize(("kernel", "name", "bits"), KNOWN)
def test_a_mask_is_what_the_headers_add_up_to(kernel, name, bits):
    assert gfp.mask(name, kernel) == bits


@given(kernels, st.integers(0, 2**32 - 1))
def test_every_mask_survives_the_way_to_text_and_back(kernel, bits):
    assert gfp.decode(gfp.encode(bits, kernel), kernel) == bits


@given(kernels, st.integers(0, 2**26 - 1))
def test_array_and_scalar_agree(kernel, bits):
    masks = np.array([bits, 0], np.uint64)
    assert gfp.is_user(masks, kernel)[0] == gfp.is_user(bits, kernel)
    assert gfp.is_zeroed(masks, kernel)[0] == gfp.is_zeroed(bits, kernel)
    assert gfp.migratetype(masks)[0] == gfp.migratetype(bits)


def test_the_posted_test_needs_every_bit_of_highuser():
    highuser = gfp.mask("GFP_HIGHUSER", "v6.1")
    assert gfp.is_user(highuser, "v6.1")
    for bit in range(32):
        if highuser >> bit & 1:
            assert not gfp.is_user(highuser & ~(1 << bit), "v6.1")


def test_pipe_buffers_are_user_but_unmovable_and_huge_pages_are_neither():
    pipe = gfp.decode("GFP_HIGHUSER|__GFP_ACCOUNT", "v6.1")
    assert gfp.is_user(pipe, "v6.1")
    assert gfp.migratetype(pipe) == 0
    huge = gfp.decode("GFP_TRANSHUGE", "v6.1")
    assert not gfp.is_user(huge, "v6.1")
    assert gfp.migratetype(huge) == 1


def test_text_is_decoded_without_loss():
    assert gfp.decode("none", "v6.1") == 0
    assert gfp.decode("GFP_KERNEL|0x80000000", "v6.1") == 0x80000CC0
    assert gfp.decode("0xcc0", "v6.1") == gfp.mask("GFP_KERNEL", "v6.1")
    # old perf writes single flags without the underscores
    assert gfp.decode("GFP_ZERO", "v6.1") == gfp.mask("__GFP_ZERO", "v6.1")


@pytest.mark.parametrize("text", ["GFP_NOSUCH", "GFP_KERNEL|__GFP_NOPE", "0xzz", ""])
def test_a_flag_that_the_version_lacks_is_an_error(text):
    with pytest.raises(UnknownGfpFlagError):
        gfp.decode(text, "v6.1")


def test_the_error_says_which_versions_have_the_flag():
    with pytest.raises(UnknownGfpFlagError, match=r"from v6\.10 on"):
        gfp.decode("__GFP_NO_OBJ_EXT", "v6.1")
    with pytest.raises(UnknownGfpFlagError, match=r"in v4\.4 to v4\.14"):
        gfp.decode("__GFP_COLD", "v6.1")


@pytest.mark.parametrize(
    "kernel", ["v3.2", "v4.3", "6.1", "v6", "v6.1.2", "", "v6.1\n"]
)
def test_an_unknown_kernel_is_an_error(kernel):
    with pytest.raises(UnknownKernelError, match=r"v6\.1"):
        gfp.mask("GFP_KERNEL", kernel)


@pytest.mark.parametrize(
    ("kernel", "table"),
    [
        ("v4.4", "v4.4"),
        ("v4.7", "v4.6"),
        ("v4.9", "v4.8"),
        ("v4.17", "v4.15"),
        ("v5.0", "v4.18"),
        ("v5.4", "v5.1"),
        ("v6.1", "v5.18"),
        ("v6.12", "v6.10"),
        ("v6.18", "v6.15"),
        ("v7.3", "v6.15"),
    ],
)
def test_a_version_has_the_table_before_it(kernel, table):
    assert gfp.table_of(kernel) == table
    assert gfp.names(kernel) == gfp.names(table)


# Each border, with masks added up by hand from both of its sides: the first version
# of a table, a name, its bits before and from there on. Read in
# include/linux/gfp.h or gfp_types.h and include/trace/events/mmflags.h or gfpflags.h
# of v4.4.155, v4.6.2, v4.8, v4.9.0, v4.9.76, v4.12, v4.14.177, v4.15.18, v4.17,
# v4.18, 4.18.0-147.el8, v4.20, v5.0.1, v5.2.1, v5.3.1, v5.9.1, v5.11, v5.12, v5.14,
# v5.15.55, v5.16.10, v5.17, v5.18.12, v5.19, v6.0, v6.2.1, v6.3.8, v6.4.6, v6.5,
# v6.6.47, v6.8.1, v6.10, v6.12, v6.13.2, v6.14, v6.17 and v6.18.35. Where the border is
# a version that is not among them, it is the release that merged the change.
BORDERS = [
    ("v4.5", "__GFP_NOACCOUNT", 0x100000, None),
    ("v4.5", "__GFP_ACCOUNT", None, 0x100000),
    ("v4.5", "GFP_KERNEL_ACCOUNT", None, 0x25000C0),
    ("v4.6", "GFP_TRANSHUGE", 0x4352CA, 0x352CA),
    ("v4.8", "GFP_TRANSHUGE", 0x352CA, 0x4342CA),
    ("v4.8", "GFP_TRANSHUGE_LIGHT", None, 0x342CA),
    # "mm: get rid of __GFP_OTHER_NODE", January 2017
    ("v4.10", "__GFP_OTHER_NODE", 0x800000, None),
    ("v4.10", "GFP_HIGHUSER_MOVABLE", 0x24200CA, 0x14200CA),
    ("v4.12", "__GFP_NOLOCKDEP", None, 0x2000000),
    ("v4.13", "__GFP_REPEAT", 0x400, None),
    ("v4.13", "__GFP_RETRY_MAYFAIL", None, 0x400),
    ("v4.14", "GFP_TEMPORARY", 0x14000D0, None),
    ("v4.15", "__GFP_COLD", 0x100, None),
    ("v4.15", "__GFP_NOTRACK", 0x200000, None),
    # "mm: save two stranding bit in gfp_mask", May 2018
    ("v4.18", "GFP_HIGHUSER_MOVABLE", 0x14200CA, 0x6200CA),
    ("v4.18", "__GFP_WRITE", 0x800000, 0x100),
    ("v4.18", "__GFP_NOLOCKDEP", 0x2000000, 0x800000),
    # "mm: shuffle GFP_* flags", January 2019
    ("v5.1", "GFP_HIGHUSER_MOVABLE", 0x6200CA, 0x100CCA),
    ("v5.1", "__GFP_ZERO", 0x8000, 0x100),
    ("v5.1", "GFP_ATOMIC", 0x480020, 0xA20),
    ("v5.14", "__GFP_ZEROTAGS", None, 0x800000),
    ("v5.14", "GFP_HIGHUSER_MOVABLE", 0x100CCA, 0x1100CCA),
    ("v5.14", "GFP_TRANSHUGE_LIGHT", 0x1C20CA, 0x11C20CA),
    ("v5.14", "__GFP_NOLOCKDEP", 0x800000, 0x2000000),
    ("v5.18", "GFP_HIGHUSER_MOVABLE", 0x1100CCA, 0x100CCA),
    ("v5.18", "__GFP_SKIP_KASAN_POISON", 0x1000000, None),
    ("v5.18", "__GFP_NOLOCKDEP", 0x2000000, 0x8000000),
    ("v6.3", "__GFP_ATOMIC", 0x200, None),
    ("v6.3", "GFP_ATOMIC", 0xA20, 0x820),
    ("v6.4", "__GFP_NOLOCKDEP", 0x8000000, 0x4000000),
    # "gfp: Include __GFP_NOWARN in GFP_NOWAIT", November 2023
    ("v6.8", "GFP_NOWAIT", 0x800, 0x2800),
    # 772dd0342727 ("mm: enumerate all gfp flags")
    ("v6.10", "__GFP_NO_OBJ_EXT", None, 0x1000000),
    ("v6.10", "__GFP_NOLOCKDEP", 0x4000000, None),
]


@pytest.mark.parametrize(("border", "name", "before", "after"), BORDERS)
def test_a_table_begins_with_the_release_that_changed_it(border, name, before, after):
    older = gfp.KERNELS[gfp.KERNELS.index(border) - 1]
    assert gfp.names(older).get(name) == before
    assert gfp.names(border).get(name) == after


def test_every_table_has_a_border_here_but_one_that_prints_in_another_order():
    named = {border for border, *_ in BORDERS}
    assert named == set(gfp.KERNELS[1:]) - {"v6.15"}


@pytest.mark.parametrize(
    "kernel", [f"v5.{n}" for n in range(1, 20)] + ["v6.6", "v6.18"]
)
def test_the_flags_that_count_stay_where_they_are_from_5_1_on(kernel):
    for name, bits in [("GFP_HIGHUSER", 0x100CC2), ("__GFP_ZERO", 0x100)]:
        assert gfp.mask(name, kernel) == bits


def test_a_name_has_its_single_flags():
    assert gfp.parts("GFP_NOWAIT", "v6.8") == ["__GFP_KSWAPD_RECLAIM", "__GFP_NOWARN"]
    assert gfp.parts("__GFP_ZERO", "v4.4") == ["__GFP_ZERO"]


@pytest.mark.parametrize("kernel", gfp.KERNELS)
def test_the_wide_test_takes_in_thp_and_nofs_scopes_and_leaves_vmalloc_out(kernel):
    fs = gfp.mask("__GFP_FS", kernel)
    for_users = gfp.mask("GFP_HIGHUSER_MOVABLE", kernel)
    for mask in (for_users, for_users & ~fs, gfp.mask("GFP_TRANSHUGE", kernel)):
        assert gfp.is_user(mask, kernel, gfp.WIDE)
    assert gfp.is_user(for_users, kernel)
    assert not gfp.is_user(for_users & ~fs, kernel)
    highmem = gfp.mask("__GFP_HIGHMEM", kernel)
    for mask in ("GFP_KERNEL", "GFP_USER", "GFP_NOIO", "GFP_ATOMIC"):
        assert not gfp.is_user(gfp.mask(mask, kernel), kernel, gfp.WIDE)
    vmalloc = gfp.mask("GFP_KERNEL", kernel) | highmem
    assert not gfp.is_user(vmalloc, kernel, gfp.WIDE)


@pytest.mark.parametrize("kernel", gfp.KERNELS)
def test_who_passes_the_posted_test_passes_the_wide_one(kernel):
    masks = np.arange(1 << 12, dtype=np.uint64) * np.uint64(0x10001)
    masks[0] = gfp.mask("GFP_HIGHUSER", kernel)
    posted, wide = (gfp.is_user(masks, kernel, test) for test in gfp.USER_TESTS)
    assert posted.any()
    assert not (posted & ~wide).any()


@pytest.mark.parametrize("kernel", gfp.KERNELS)
def test_who_may_wait_has_direct_reclaim(kernel):
    for name in ("GFP_KERNEL", "GFP_NOIO", "GFP_HIGHUSER_MOVABLE"):
        assert gfp.may_wait(gfp.mask(name, kernel), kernel)
    for name in ("GFP_ATOMIC", "GFP_NOWAIT", "__GFP_KSWAPD_RECLAIM"):
        assert not gfp.may_wait(gfp.mask(name, kernel), kernel)
