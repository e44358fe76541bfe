# SPDX-License-Identifier: GPL-2.0-only
from mutants import mutate


def test_every_mutant_that_is_listed_exists():
    keys = {
        mutant.key
        for pattern in mutate.CONFIG["modules"]
        for path in mutate.ROOT.glob(pattern)
        for mutant in mutate.mutants_of(path.relative_to(mutate.ROOT).as_posix())
    }
    listed = {*mutate.EQUIVALENT, *mutate.ANSWERED}
    assert not listed - keys


def test_a_mutant_is_listed_once():
    entries = [*mutate.CONFIG["equivalent"], *mutate.CONFIG["answered"]]
    listed = [entry["mutant"] for entry in entries]
    assert len(listed) == len(set(listed))
