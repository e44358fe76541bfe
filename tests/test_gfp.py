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


def test_the_error_says_which_version_has_the_flag():
    with pytest.raises(UnknownGfpFlagError, match=r"v6\.18"):
        gfp.decode("__GFP_NO_OBJ_EXT", "v6.1")


def test_an_unknown_kernel_is_an_error():
    with pytest.raises(UnknownKernelError, match=r"v6\.1"):
        gfp.mask("GFP_KERNEL", "v3.2")
