# SPDX-License-Identifier: GPL-2.0-only
from xpfo_model import workloads
from xpfo_model.replay.walk import Step, walk

SHOWN = ("v6", "per_frame", "alternation", "pcp_batch", "pageblock")
NOTHING = Step(0, 0)


def test_the_seed_mails_sequence_allocation_by_allocation():
    found = walk(workloads.seed_sequence(), SHOWN)
    assert found["v6"] == [NOTHING, NOTHING, Step(1, 0), NOTHING]
    assert found["per_frame"] == [NOTHING, NOTHING, Step(1, 1), NOTHING]
    assert found["alternation"] == [NOTHING, NOTHING, Step(1, 1), Step(1, 0)]
    assert found["pcp_batch"] == [NOTHING, NOTHING, Step(1, 31), NOTHING]
    assert found["pageblock"] == [NOTHING, NOTHING, Step(1, 512), NOTHING]


def test_the_rest_of_the_refill_costs_a_batch_nothing():
    found = walk(workloads.seed_sequence(more_users=30), SHOWN)
    assert found["pcp_batch"][4:] == [NOTHING] * 30
    assert found["per_frame"][4:] == [Step(1, 1)] * 30
    assert found["v6"][4:] == [Step(1, 0)] * 30


def test_a_step_in_words():
    assert str(NOTHING) == "-"
    assert str(Step(1, 31)) == "unmap 31, flush"
    assert str(Step(2, 0)) == "flush x2"
