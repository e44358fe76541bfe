# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model.plural import count


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 events"), (1, "1 event"), (5000, "5,000 events")]
)
def test_one_has_no_s(number, said):
    assert count(number, "event") == said


def test_a_plural_of_its_own():
    assert count(1, "frame is", "frames are") == "1 frame is"
    assert count(2, "frame is", "frames are") == "2 frames are"
