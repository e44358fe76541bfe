# SPDX-License-Identifier: GPL-2.0-only
"""What is foreseen and what came: the claim fails where recordings contradict it."""

import pytest

from xpfo_model.claims.prediction import kinds, stock_predicts
from xpfo_model.errors import CannotJudgeError
from xpfo_model.studies.kernel_runs import CAUSES, kernel_predicted, kernel_runs

FORESEEN = 1000


class Kept:
    """Kept rows in the place of a clone's."""

    def __init__(self, runs, predicted):
        self.rows = {kernel_runs.name: runs, kernel_predicted.name: predicted}

    def kept(self, study):
        rows = self.rows[study.name]
        return {name: [row[name] for row in rows] for name in rows[0]}


def recorded(number, strategy, flushes=0, *, workload="mix", moved=0, verify=0):
    causes = {f"kernel_{cause}": 0 for cause in CAUSES}
    causes |= {"kernel_alloc": flushes, "kernel_migrate": moved}
    return {
        "recording": f"{workload}-{strategy}-{number}",
        "workload": workload,
        "cpus": 2,
        "strategy": strategy,
        "start": "mapped",
        "verify": verify,
        "user": 2000,
        "kernel_allocations": 3000,
        **causes,
    }


def foreseen(runs, strategy="per_frame", flushes=FORESEEN):
    causes = dict.fromkeys(CAUSES, 0) | {"alloc": flushes}
    return [
        {"recording": row["recording"], "strategy": name, "start": "mapped", **causes}
        for row in runs
        if row["strategy"] == "none"
        for name in {strategy, "per_frame"}
    ]


def evidence(*came, workload="mix", **how):
    runs = [recorded(0, "none", workload=workload)]
    runs += [
        recorded(number, "per_frame", flushes, workload=workload, **how)
        for number, flushes in enumerate(came)
    ]
    return Kept(runs, foreseen(runs))


@pytest.mark.parametrize(
    ("workload", "came", "holds"),
    [
        ("mix", (1240,), True),
        ("mix", (1260,), False),
        ("mix", (740,), False),
        ("mix", (1400, 1000), True),  # the mean counts
        ("reclaim", (1990,), True),
        ("reclaim", (2010,), False),
    ],
)
def test_recordings_too_far_from_what_was_foreseen_refute_it(workload, came, holds):
    assert stock_predicts(evidence(*came, workload=workload)).holds is holds


def test_flushes_at_migration_are_told_apart():
    found = stock_predicts(evidence(1000, moved=1000))
    assert found.holds
    assert found.values["unforeseen"] == 50


def test_recordings_in_which_cpus_try_to_read_do_not_count():
    with pytest.raises(CannotJudgeError):
        kinds(evidence(1000, verify=8))


def test_workloads_that_no_strategy_is_compared_in_do_not_count():
    with pytest.raises(CannotJudgeError):
        kinds(evidence(5000, workload="ret2dir"))
