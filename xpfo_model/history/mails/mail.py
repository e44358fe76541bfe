# SPDX-License-Identifier: GPL-2.0-only
"""A mail of a public list: who, when, what about, and where it can be read."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

LORE: Final = "https://lore.kernel.org/r/"
"""Where a Message-ID leads to its mail."""


class Seen(StrEnum):
    """How the words of a mail are known here."""

    READ = "read"
    """Its text was read in a public archive."""
    QUOTED = "quoted"
    """The words that count were read as another mail quotes them."""
    NOT_SEEN = "not seen"
    """Cited from a list of mails; its text was not read."""


@dataclass(frozen=True)
class Mail:
    """A mail of a public list."""

    author: str
    sent: str
    """Its Date header, ``2017-09-20 16:21 -0700``, or the day if no more is known."""
    subject: str
    message_id: str
    """Empty if the archive that it was read in does not show it."""
    seen: Seen = Seen.READ
    copy: str = ""
    """Address of a copy, for a mail without a Message-ID."""
    timed: bool = False
    """Whether a time tells it from another mail of that author and day."""

    @property
    def moment(self) -> datetime:
        """When it was sent. Raises `ValueError` if the day alone is known."""
        return datetime.strptime(self.sent, "%Y-%m-%d %H:%M %z")

    @property
    def date(self) -> date:
        """The day, in the sender's time zone."""
        return date.fromisoformat(self.sent.split()[0])

    @property
    def time(self) -> str:
        """Hour and minute, in the sender's time zone; empty if not known."""
        return "".join(self.sent.split()[1:2])

    @property
    def link(self) -> str:
        """The mail's address."""
        return LORE + self.message_id if self.message_id else self.copy

    def __str__(self) -> str:
        day = f"{self.date.day} {self.date:%B %Y}"
        return ", ".join([self.author, day, *([self.time] if self.timed else [])])
