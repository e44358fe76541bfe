# SPDX-License-Identifier: GPL-2.0-only
"""The explorer's script says what Python says, in every state that it can be in."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from xpfo_model.claims import explorer
from xpfo_model.claims.inputs import Inputs
from xpfo_model.machine import STARTS
from xpfo_model.sphinxext import explorer as page
from xpfo_model.studies import explorer as study
from xpfo_model.studies import store

ROOT = Path(__file__).parents[1]
CORE = ROOT / "docs" / "_static" / "explorer-core.js"
IPI = {"": 1500, "_low": 700, "_high": 2900}
LARGEST = 150_000
"""Bytes: with the page itself, its scripts and its runs below 300 kB."""
DRIVER = """
"use strict";
const { readFileSync } = require("node:fs");
(0, eval)(readFileSync(process.argv[1], "utf8"));
const { data, asks } = JSON.parse(readFileSync(0, "utf8"));
const { rowsOf, fromQuery, toQuery, told, command } = globalThis.xpfoExplorer;
const answers = asks.map(({ state, search }) => {
  if (search !== undefined) return fromQuery(data, search);
  const link = toQuery(data, state, "?step=3");
  return {
    rows: rowsOf(data, state).map((row) => (
      { ...row, told: told(row.seconds, 2), rate: told(row.ahead, 3) })),
    link,
    again: fromQuery(data, link),
    command: command(data, state),
  };
});
console.log(JSON.stringify(answers));
"""

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


@pytest.fixture(scope="module")
def columns():
    return store.load(study.explorer, ROOT / "docs")


@pytest.fixture(scope="module")
def data(columns):
    return json.loads(json.dumps(page.data(columns, IPI, "0.1.0")))


@pytest.fixture(scope="module")
def ask(data):
    def ask(asks):
        done = subprocess.run(
            ["node", "-e", DRIVER, str(CORE)],
            input=json.dumps({"data": data, "asks": asks}),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    return ask


def states(number):
    """Random states, as the script has them."""
    some = random.Random(number)
    return [
        {
            "pipes": some.choice(study.PIPES),
            "memory": some.choice(study.MEMORY) // explorer.FRAMES_OF_GIB,
            "cpus": some.choice(study.CPUS),
            "batch": some.choice(study.BATCHES),
            "start": some.choice(STARTS),
            "kmap": some.choice(study.WAYS),
            "ipi": some.choice([None, 0, some.randrange(page.MOST)]),
        }
        for _ in range(60)
    ]


def rows_of(columns, state):
    where = {
        "pipes": state["pipes"],
        "frames": state["memory"] * explorer.FRAMES_OF_GIB,
        "cpus": state["cpus"],
        "batch": state["batch"],
        "start": state["start"],
    }
    return [
        row
        for row in explorer.rows_of(columns)
        if all(row[key] == value for key, value in where.items())
    ]


@needs_node
def test_the_script_has_the_rows_and_the_seconds_of_the_model(columns, ask):
    wanted = states(1)
    ends = explorer.ends_of_parameters()
    for state, answer in zip(wanted, ask([{"state": s} for s in wanted]), strict=True):
        way = state["kmap"]
        ipi = IPI if state["ipi"] is None else dict.fromkeys(IPI, state["ipi"])
        rows = rows_of(columns, state)
        table = explorer.table(rows, way, ipi).rows
        assert [row["name"] for row in answer["rows"]] == list(study.SHOWN)
        for row, said, cells in zip(rows, answer["rows"], table, strict=True):
            for name in study.COUNTED:
                assert said[name] == [row[f"{way}_{name}{end}"] for end in ends]
            times = [
                explorer.seconds(explorer.work(row, way, end), row["cpus"], ipi[end], v)
                for end, v in ends.items()
            ]
            assert said["seconds"] == pytest.approx(times)
            assert (said["rate"], said["told"]) == (cells[1], cells[3])


@needs_node
def test_a_link_carries_its_state_and_keeps_what_else_it_says(ask):
    wanted = states(2)
    for state, answer in zip(wanted, ask([{"state": s} for s in wanted]), strict=True):
        assert answer["again"] == {"state": state, "unknown": []}
        assert "step=3" in answer["link"]


@needs_node
def test_a_link_to_what_was_not_computed_says_so(data, ask):
    searches = ["?batch=64", "?ipi=-1", "?ipi=", "?cpus=4&kmap=none", "?other=1"]
    first = {axis["name"]: axis["standard"] for axis in data["axes"]} | {"ipi": None}
    found = ask([{"search": search} for search in searches])
    assert [answer["state"] for answer in found] == [first] * len(searches)
    assert [answer["unknown"] for answer in found] == [
        ["batch=64"],
        ["ipi=-1"],
        ["ipi="],
        ["kmap=none"],
        [],
    ]


@needs_node
def test_the_command_of_a_state_is_one_that_is_there(ask):
    from xpfo_model.cli import parser

    wanted = states(3)
    for state, answer in zip(wanted, ask([{"state": s} for s in wanted]), strict=True):
        given = vars(parser().parse_args(answer["command"].split()[1:]))
        assert {name: given[name] for name in state} == state


def test_the_data_are_small(data):
    assert len(json.dumps(data, separators=(",", ":"))) < LARGEST


def test_the_first_state_is_the_first_row_of_each_axis_that_has_it(data):
    for axis in data["axes"]:
        assert axis["standard"] in axis["values"]
        assert len(axis["texts"]) == len(axis["values"])


def test_the_interval_of_the_published_tables_is_within_the_control(evidence):
    ipi = explorer.ipi_interval(Inputs(evidence))
    assert 0 < ipi["_low"] < ipi[""] < ipi["_high"] < page.MOST
