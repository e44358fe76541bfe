# SPDX-License-Identifier: GPL-2.0-only
"""The explorer: the study's rows for a script, and a first state for who has none.

The data are a script beside the page, so that they load from a disk as well. A cell is
a number, or a median with its interval.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from xpfo_model import clone, cost, strategies
from xpfo_model.claims import explorer as claims
from xpfo_model.claims.prose import size_of
from xpfo_model.cost import FULL
from xpfo_model.machine import STARTS
from xpfo_model.sphinxext import verdicts
from xpfo_model.sphinxext.pictures import picture
from xpfo_model.sphinxext.tables import table_of
from xpfo_model.studies import explorer as study
from xpfo_model.studies import store
from xpfo_model.studies.explorer import DIRECT, LOCAL, WAYS

FOLDER: Final = "explorer"
COLUMNS: Final = ("ahead", "full", "exposed", "accesses")
"""Of a row: as the study counts, and `accesses` are kunmaps through whatever mapping,
of which those through the direct map flush all CPUs."""
MOST: Final = 12_000
"""Cycles of an interrupt that the control reaches: round, above the interval."""
STEP: Final = 10
AXES: Final[tuple[tuple[str, str, str, Sequence[Any]], ...]] = (
    ("pipes", "pipes", "Pages for pipes", study.PIPES),
    ("memory", "frames", "Memory", study.MEMORY),
    ("cpus", "cpus", "CPUs", study.CPUS),
    ("batch", "batch", "Batch of a pcp list", study.BATCHES),
    ("start", "start", "Memory starts", STARTS),
    ("kmap", "", "The kernel reaches a user's page", WAYS),
)
"""Name in a link, column of the study, label, values: in the order of the rows."""
TEXTS: Final = {DIRECT: "through the direct map", LOCAL: "by a mapping of one CPU"}
SCRIPTS: Final = ("explorer-core.js", "explorer.js")


def in_link(name: str, value: Any) -> Any:
    """A value of an axis as links and the command line have it: memory in GiB."""
    return value // claims.FRAMES_OF_GIB if name == "memory" else value


def text_of(name: str, value: Any) -> str:
    """A value of an axis in words."""
    match name:
        case "pipes":
            return f"{value}%"
        case "memory":
            return size_of(value)
        case _:
            return TEXTS.get(value, str(value))


def cell(row: Mapping[str, Any], way: str, column: str) -> Any:
    """A cell of a row: a number, or median, low and high."""
    name = f"{DIRECT}_kunmap" if column == "accesses" else f"{way}_{column}"
    ends = [row[name], row[f"{name}_low"], row[f"{name}_high"]]
    exact = [int(end) if end == int(end) else end for end in ends]
    return exact[0] if len(set(exact)) == 1 else exact


def data(
    columns: store.Columns, ipi: Mapping[str, float], about: str
) -> dict[str, Any]:
    """All that the script needs.

    Parameters
    ----------
    columns
        Of the study.
    ipi : mapping
        Cycles of an interrupt: see `claims.explorer.ipi_interval`.
    about : str
        The version that the page was computed by.
    """
    known = {
        (*(row[key] for _, key, _, _ in AXES if key), row["strategy"]): row
        for row in claims.rows_of(columns)
    }
    standard = {**claims.STANDARD, "": DIRECT}
    ends = claims.ends_of_parameters()
    local = {
        name: [float(cost.local_cycles(pages, ends[end])) for end in ends]
        for name, pages in (("one", 1), ("full", FULL))
    }
    return {
        "axes": [
            {
                "name": name,
                "label": label,
                "values": [in_link(name, value) for value in values],
                "texts": [text_of(name, value) for value in values],
                "standard": in_link(name, standard[key]),
            }
            for name, key, label, values in AXES
        ],
        "strategies": [
            {
                "name": name,
                "what": strategies.REGISTRY[name].what,
                "safe": strategies.REGISTRY[name].safe,
            }
            for name in study.SHOWN
        ],
        "columns": COLUMNS,
        "rows": [
            [cell(known[*point, name], way, column) for column in COLUMNS]
            for point, way in _states()
            for name in study.SHOWN
        ],
        "cost": {
            **local,
            "hertz": claims.CLOCK,
            "ipi": {
                "value": ipi[""],
                "low": ipi["_low"],
                "high": ipi["_high"],
                "most": MOST,
                "step": STEP,
            },
        },
        "about": about,
    }


def _states() -> list[tuple[tuple[Any, ...], str]]:
    """Every point with its start, and way, in the order of the rows."""
    return [
        ((*point, start), way)
        for point in study.points()
        for start in STARTS
        for way in WAYS
    ]


class ExplorerDirective(SphinxDirective):
    """``{explorer}``: the first state, and with scripting every other."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the place of the controls, and the first state."""
        up = "../" * self.env.docname.count("/")
        scripts = [f"{FOLDER}/data.js", *(f"_static/{name}" for name in SCRIPTS)]
        place = '<div id="explorer-live" class="explorer" hidden></div>' + "".join(
            f'<script defer src="{up}{name}"></script>' for name in scripts
        )
        rows = claims.rows_of(store.load(study.explorer, Path(self.env.srcdir)))
        first = claims.standard(rows)[0]
        note = nodes.paragraph(classes=["without-script"])
        note += nodes.Text(
            f"Without scripting this page shows one machine: {claims.told(first)}, "
            f"memory that starts {first['start']}, kmap {TEXTS[DIRECT]}. "
        )
        note += [
            nodes.literal(text="xpfo-model explore"),
            nodes.Text(" computes any other."),
        ]
        figure = picture(claims.FIGURE, f"{claims.told(first)}: what the flushes cost.")
        some = claims.standard(rows)
        seen = claims.table(some, DIRECT, verdicts.record_of(self.env.app).ipi)
        table = nodes.container("", table_of(seen, study.SHOWN), ids=["explorer-table"])
        shown = nodes.container("", figure, classes=["explorer-first"])
        return [nodes.raw("", place, format="html"), note, shown, table]


def publish(app: Sphinx, exception: Exception | None) -> None:
    """Write ``explorer/data.js``."""
    if exception is not None or app.builder.format != "html":
        return
    record = verdicts.record_of(app)
    if not record.ipi:
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    columns = store.load(study.explorer, Path(app.srcdir))
    about = clone.version(app.config.xpfo_commit)
    whole = json.dumps(data(columns, record.ipi, about), separators=(",", ":"))
    (folder / "data.js").write_text(f"globalThis.xpfoData={whole};\n", encoding="utf-8")
