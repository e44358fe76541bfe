# SPDX-License-Identifier: GPL-2.0-only
import hashlib
import threading
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.traces.digest import Digest

LENGTHS = st.lists(st.sampled_from([1, 100, 1 << 16, (1 << 16) + 1, 300_000]))


@given(LENGTHS)
def test_it_is_that_of_all_pieces_at_any_time(lengths):
    pieces = [bytes([n % 251]) * length for n, length in enumerate(lengths)]
    digest = Digest()
    for piece, whole in zip(pieces, accumulate(pieces), strict=True):
        digest.update(piece)
        if len(piece) == 100:
            assert digest.hexdigest() == hashlib.sha256(whole).hexdigest()
    assert digest.hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_no_thread_stays_when_a_stream_is_left():
    before = set(threading.enumerate())
    digest = Digest()
    for _ in range(40):
        digest.update(bytes(1 << 17))
    (thread,) = set(threading.enumerate()) - before
    del digest
    thread.join(timeout=60)
    assert not thread.is_alive()
