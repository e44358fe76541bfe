# SPDX-License-Identifier: GPL-2.0-only
"""The evidence as one evaluation of a claim uses it.

Records which traces are used, and refuses a trace that is absent or that cannot show
what the claim is about.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from xpfo_model.checker import Report, Scope
from xpfo_model.errors import CannotJudgeError
from xpfo_model.events import EVENT_NAMES, EventLog
from xpfo_model.replay.calls import Calls
from xpfo_model.replay.outcome import BOOT, LATER, UNCLEAR, lacking
from xpfo_model.replay.reconstruct import Reconstruction
from xpfo_model.replay.run import Counts
from xpfo_model.studies.evidence import Evidence, Half
from xpfo_model.studies.provenance import Provenance
from xpfo_model.studies.store import Columns, Study

NEEDS: Final = {
    "user_allocations": "no user allocation",
    "user_zeroed": "nothing zeroed",
    "refills_movable": "no refill of a MOVABLE list",
}
"""Needs that a claim can have: a key of `Evidence.totals` that must not be 0,
and the reason that is given where it is."""


NOT_BOOT: Final = {
    LATER: "the trace begins after boot",
    UNCLEAR: "the trace does not say whether it begins with the boot",
}
"""The reason where a claim needs a trace from boot."""


class Inputs:
    """The evidence for one evaluation of a claim.

    Every method that takes a trace raises `CannotJudgeError` if the trace is absent or
    lacks one of the needs.

    Parameters
    ----------
    evidence
        Where traces, counts and studies come from.
    needs : sequence of str
        Keys of `NEEDS`.
    """

    def __init__(self, evidence: Evidence, needs: Sequence[str] = ()) -> None:
        self._evidence = evidence
        self._needs = needs
        self._used: set[str] = set()
        self._studies: set[str] = set()

    @property
    def used(self) -> tuple[Provenance, ...]:
        """The traces that were used so far, in reading order."""
        if not self._used:  # a claim without a trace needs no directory of traces
            return ()
        known = self._evidence.known()
        return tuple(facts for name, facts in known.items() if name in self._used)

    @property
    def studies(self) -> tuple[str, ...]:
        """The kept studies that were used so far, by name."""
        return tuple(sorted(self._studies))

    @property
    def docs(self) -> Path:
        """The folder docs/ whose kept studies are used."""
        return self._evidence.docs

    @property
    def names(self) -> list[str]:
        """Short names of all traces."""
        return self._evidence.names

    def asked(self, question: str) -> list[str]:
        """Short names of the traces for one question; see `Evidence.asked`."""
        return self._evidence.asked(question)

    def several_cpus(self) -> list[str]:
        """The traces of machines of several CPUs, at least one."""
        known = self._evidence.provenance
        found = [name for name, facts in known.items() if facts.cpus > 1]
        if not found:
            raise CannotJudgeError("one CPU", self.names)
        return found

    def all_but(self, trace: str) -> list[str]:
        """The traces without one, at least one."""
        found = [name for name in self.names if name != trace]
        if not found:
            raise CannotJudgeError("needs a trace beside it", self.names)
        return found

    def use(self, trace: str) -> Provenance:
        """Note that a trace is used; its provenance."""
        known = self._evidence.known()
        if trace not in known:
            raise CannotJudgeError(f"needs the trace {trace}", self.names)
        if trace not in self._used:
            self._used.add(trace)
            totals = self._evidence.totals(trace) if self._needs else {}
            for need in self._needs:
                if not totals[need]:
                    raise CannotJudgeError(NEEDS[need], [trace])
        return known[trace]

    def log(self, trace: str) -> EventLog:
        """A trace's events."""
        self.use(trace)
        return self._evidence.log(trace)

    def steps(self, trace: str) -> tuple[list[Calls], Reconstruction]:
        """A trace's steps and their reconstruction."""
        self.use(trace)
        return self._evidence.steps(trace)

    def totals(self, trace: str) -> dict[str, int]:
        """Totals of a trace, whatever the strategy."""
        self.use(trace)
        return self._evidence.totals(trace)

    def is_from_boot(self, trace: str) -> bool:
        """Whether a frame that the trace does not name before had no owner at all."""
        self.use(trace)
        return self._evidence.begins(trace) == BOOT

    def need_boot(self, trace: str, why: str) -> None:
        """Raise `CannotJudgeError` with `why` for a trace that is not from boot."""
        if not self.is_from_boot(trace):
            begins = self._evidence.begins(trace)
            raise CannotJudgeError(f"{NOT_BOOT[begins]}, and {why}", [trace])

    def counts(self, trace: str, strategy: str, **how: Any) -> Counts:
        """Counts of a strategy over a trace; see `Evidence.counts`."""
        self.can_count(trace, strategy)
        return self._evidence.counts(trace, strategy, **how)

    def halves(self, trace: str, strategy: str, /, **how: Any) -> tuple[Half, Half]:
        """Counts over the first half of a trace, and all; see `Evidence.halves`."""
        self.can_count(trace, strategy)
        return self._evidence.halves(trace, strategy, **how)

    def course(
        self, trace: str, strategy: str, *, pieces: int
    ) -> list[tuple[int, Counts]]:
        """Allocations and counts after each piece; see `Evidence.course`."""
        self.can_count(trace, strategy)
        return self._evidence.course(trace, strategy, pieces=pieces)

    def can_count(self, trace: str, strategy: str) -> None:
        """Check that the trace has the kinds of events that the strategy needs."""
        self.use(trace)
        kinds = self._evidence.steps(trace)[1].kinds.tolist()
        held = dict(zip(EVENT_NAMES, kinds, strict=True))
        missing = lacking(strategy, self._evidence.log(trace).about, held)
        if missing:
            raise CannotJudgeError(
                f"no {' and no '.join(missing)}, which {strategy} needs", [trace]
            )

    def reports(self, where: Scope) -> dict[str, Report]:
        """The checker's reports by strategy."""
        return self._evidence.reports(where)

    def kept(self, study: Study) -> Columns:
        """The kept results of a study. Raises `StaleDataError`."""
        self._studies.add(study.name)
        return self._evidence.kept(study)

    def kept_of(self, study: Study, trace: str) -> Columns:
        """The kept results of a study that was made of this very trace."""
        facts = self.use(trace)
        if facts.sha256 != self._evidence.studied.get(facts.name):
            raise CannotJudgeError(f"not in the study {study.name}", [trace])
        return self.kept(study)


def ratio(part: float, whole: float, trace: str, missing: str) -> float:
    """A part of a whole. Raises `CannotJudgeError` with `missing` if that is 0."""
    if not whole:
        raise CannotJudgeError(missing, [trace])
    return part / whole
