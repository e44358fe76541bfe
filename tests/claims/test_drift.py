# SPDX-License-Identifier: GPL-2.0-only
"""The claim on the free run falls where the kept counts are others."""

import pytest

from xpfo_model import claims
from xpfo_model.claims.inputs import Inputs
from xpfo_model.studies.drift import FLUSHES

CLAIM = claims.REGISTRY["drift-keeps-the-counts"]


class Changed(Inputs):
    """The evidence, with other counts on the model's events of one strategy."""

    def __init__(self, evidence, strategy, factor):
        super().__init__(evidence)
        self.strategy, self.factor = strategy, factor

    def kept_of(self, study, trace):
        columns = super().kept_of(study, trace)
        rows = zip(columns["what"], columns["name"], columns["model"], strict=True)
        return columns | {
            "model": [
                model * self.factor
                if (what, name) == (FLUSHES, self.strategy)
                else model
                for what, name, model in rows
            ]
        }


@pytest.mark.parametrize(("factor", "holds"), [(1, True), (0, False), (2, False)])
def test_it_stands_on_the_counts_of_each_strategy(evidence, factor, holds):
    for strategy in ("per_frame", "pcp_batch"):
        assert CLAIM.find(Changed(evidence, strategy, factor)).holds is holds
