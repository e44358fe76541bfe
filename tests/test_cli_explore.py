# SPDX-License-Identifier: GPL-2.0-only
from pathlib import Path

import pytest

from xpfo_model import cli
from xpfo_model.claims import explorer
from xpfo_model.studies import explorer as study
from xpfo_model.studies import store

DOCS = Path(__file__).parents[1] / "docs"
IPI = 1500


def test_the_command_says_what_the_explorer_says(capsys):
    line = f"explore --pipes 0 --memory 1 --cpus 1 --batch 31 --kmap local --ipi {IPI}"
    assert cli.main(line.split()) == 0
    kept = explorer.rows_of(store.load(study.explorer, DOCS))
    where = {"pipes": 0, "frames": 1 << 18, "cpus": 1, "batch": 31, "start": "mapped"}
    rows = [row for row in kept if all(row[k] == v for k, v in where.items())]
    table = explorer.table(rows, "local", dict.fromkeys(explorer.ENDS, IPI))
    said = [" ".join(text.split()) for text in capsys.readouterr().out.splitlines()]
    assert said[-len(rows) :] == [" ".join(cells) for cells in table.rows]


@pytest.mark.parametrize(
    "wrong", ["--pipes 101", "--pipes -1", "--cpus 0", "--ipi -1", "--ipi nan"]
)
def test_what_is_no_machine_is_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        cli.main(["explore", *wrong.split()])
    assert wrong.split()[0] in capsys.readouterr().err
