# SPDX-License-Identifier: GPL-2.0-only
"""Every mail that the code cites: author, date, subject, Message-ID.

A mail is named by its author and date, with the time where the author sent several
that day. Dates and times are those of the Date header, in the sender's time zone.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

LORE: Final = "https://lore.kernel.org/r/"
"""Where a Message-ID leads to its mail."""


@dataclass(frozen=True)
class Mail:
    """One mail of a public list."""

    author: str
    date: date
    subject: str
    message_id: str
    time: str = ""
    """Hour and minute, where the author sent several mails that day."""

    @property
    def link(self) -> str:
        """The mail's address."""
        return LORE + self.message_id

    def __str__(self) -> str:
        day = f"{self.date.day} {self.date:%B %Y}"
        return ", ".join(part for part in (self.author, day, self.time) if part)


_XPFO: Final = "Add support for eXclusive Page Frame Ownership"
_V6_03: Final = f"Re: [PATCH v6 03/11] mm, x86: {_XPFO} (XPFO)"
_REDOING: Final = (
    "Re: Redoing eXclusive Page Frame Ownership (XPFO) with isolated CPUs in mind "
    "(for KVM to isolate its guests per CPU)"
)
_DEFER: Final = "xpfo, mm: Defer TLB flushes for non-current CPUs (x86 only)"
_STECKLINA: Final = "u54ee758033e858cfa736.ant.amazon.com"

HANSEN_2014_02_18: Final = Mail(
    "Dave Hansen",
    date(2014, 2, 18),
    "[PATCH 6/6] x86: mm: set TLB flush tunable to sane value",
    "20140218193017.ECDF1089@viggo.jf.intel.com",
)
HANSEN_2014_07_01: Final = Mail(
    "Dave Hansen",
    date(2014, 7, 1),
    "[PATCH 7/7] x86: mm: set TLB flush tunable to sane value (33)",
    "20140701164856.3020D644@viggo.jf.intel.com",
)
MOLNAR_2015_06_08_2152: Final = Mail(
    "Ingo Molnar",
    date(2015, 6, 8),
    "Re: [PATCH 0/3] TLB flush multiple pages per IPI v5",
    "20150608195237.GA15429@gmail.com",
    "21:52",
)
MOLNAR_2015_06_08_2203: Final = Mail(
    "Ingo Molnar",
    date(2015, 6, 8),
    "Re: [PATCH 0/3] TLB flush multiple pages per IPI v5",
    "20150608200308.GA16978@gmail.com",
    "22:03",
)
HANSEN_2015_06_09: Final = Mail(
    "Dave Hansen",
    date(2015, 6, 9),
    "Re: [PATCH 0/3] TLB flush multiple pages per IPI v5",
    "55775749.3090004@intel.com",
)
RUTLAND_2017_08_23: Final = Mail(
    "Mark Rutland",
    date(2017, 8, 23),
    "Re: [kernel-hardening] [PATCH v5 04/10] arm64: Add __flush_tlb_one()",
    "20170823170443.GD12567@leverpostej",
)
ANDERSEN_2017_09_07: Final = Mail(
    "Tycho Andersen",
    date(2017, 9, 7),
    f"[PATCH v6 00/11] {_XPFO}",
    "20170907173609.22696-1-tycho@docker.com",
)
ANDERSEN_2017_09_11_0750: Final = Mail(
    "Tycho Andersen",
    date(2017, 9, 11),
    _V6_03,
    "20170911145020.fat456njvyagcomu@docker",
    "07:50",
)
ANDERSEN_2017_09_11_1132: Final = Mail(
    "Tycho Andersen",
    date(2017, 9, 11),
    _V6_03,
    "20170911183225.crtqa5p7tzxft43a@docker",
    "11:32",
)
HANSEN_2017_09_20_0848: Final = Mail(
    "Dave Hansen",
    date(2017, 9, 20),
    _V6_03,
    "34454a32-72c2-c62e-546c-1837e05327e1@intel.com",
    "08:48",
)
ANDERSEN_2017_09_20_1634: Final = Mail(
    "Tycho Andersen",
    date(2017, 9, 20),
    _V6_03,
    "20170920223452.vam3egenc533rcta@smitten",
    "16:34",
)
HANSEN_2017_09_20_1621: Final = Mail(
    "Dave Hansen",
    date(2017, 9, 20),
    _V6_03,
    "97475308-1f3d-ea91-5647-39231f3b40e5@intel.com",
    "16:21",
)
ANDERSEN_2017_09_20_1809: Final = Mail(
    "Tycho Andersen",
    date(2017, 9, 20),
    _V6_03,
    "20170921000901.v7zo4g5edhqqfabm@docker",
    "18:09",
)
HANSEN_2017_09_20_1727: Final = Mail(
    "Dave Hansen",
    date(2017, 9, 20),
    _V6_03,
    "d1a35583-8225-2ab3-d9fa-273482615d09@intel.com",
    "17:27",
)
ANDERSEN_2017_09_20_1937: Final = Mail(
    "Tycho Andersen",
    date(2017, 9, 20),
    _V6_03,
    "20170921013712.lznwkkmdmp64vaiq@docker",
    "19:37",
)
ANDERSEN_2017_11_09: Final = Mail(
    "Tycho Andersen",
    date(2017, 11, 9),
    _V6_03,
    "20171110010907.qfkqhrbtdkt5y3hy@smitten",
)
STECKLINA_2018_08_30: Final = Mail(
    "Julian Stecklina",
    date(2018, 8, 30),
    _REDOING,
    f"ciirm8a7p3alos.fsf@{_STECKLINA}",
)
STECKLINA_2018_09_12: Final = Mail(
    "Julian Stecklina",
    date(2018, 9, 12),
    _REDOING,
    f"ciirm8efdy916l.fsf@{_STECKLINA}",
)
HAEFLIGER_2018_09_13: Final = Mail(
    "Juerg Haefliger",
    date(2018, 9, 13),
    _REDOING,
    "CADLDEKsxx=MSFu=4_4JLX1afUMr3GVjNxSQ-726NrbLn8KQaQg@mail.gmail.com",
)
AZIZ_2018_09_14: Final = Mail(
    "Khalid Aziz",
    date(2018, 9, 14),
    _REDOING,
    "5efc291c-b0ed-577e-02d1-285d080c293d@oracle.com",
)
STECKLINA_2018_09_17: Final = Mail(
    "Julian Stecklina",
    date(2018, 9, 17),
    _REDOING,
    f"ciirm8va743105.fsf@{_STECKLINA}",
)
AZIZ_2018_10_24: Final = Mail(
    "Khalid Aziz",
    date(2018, 10, 24),
    _REDOING,
    "6cc985bb-6aed-4fb7-0ef2-43aad2717095@oracle.com",
)
AZIZ_2019_01_10: Final = Mail(
    "Khalid Aziz",
    date(2019, 1, 10),
    f"[RFC PATCH v7 00/16] {_XPFO}",
    "cover.1547153058.git.khalid.aziz@oracle.com",
)
HANSEN_2019_01_11: Final = Mail(
    "Dave Hansen",
    date(2019, 1, 11),
    f"Re: [RFC PATCH v7 00/16] {_XPFO}",
    "8ffc77a9-6eae-7287-0ea3-56bfb61758cd@intel.com",
)
AZIZ_2019_02_13: Final = Mail(
    "Khalid Aziz",
    date(2019, 2, 13),
    f"[RFC PATCH v8 00/14] {_XPFO}",
    "cover.1550088114.git.khalid.aziz@oracle.com",
)
HANSEN_2019_02_14: Final = Mail(
    "Dave Hansen",
    date(2019, 2, 14),
    f"Re: [RFC PATCH v8 13/14] {_DEFER}",
    "a6510fa8-e96d-677b-78df-da9a19c4089b@intel.com",
)
AZIZ_2019_04_03: Final = Mail(
    "Khalid Aziz",
    date(2019, 4, 3),
    f"[RFC PATCH v9 00/13] {_XPFO}",
    "cover.1554248001.git.khalid.aziz@oracle.com",
)
GLEIXNER_2019_04_05: Final = Mail(
    "Thomas Gleixner",
    date(2019, 4, 5),
    f"Re: [RFC PATCH v9 12/13] {_DEFER}",
    "alpine.DEB.2.21.1904050909520.1802@nanos.tec.linutronix.de",
)
AMIT_2019_08_23: Final = Mail(
    "Nadav Amit",
    date(2019, 8, 23),
    "[RFC PATCH v2 0/3] x86/mm/tlb: Defer TLB flushes with PTI",
    "20190823225248.15597-1-namit@vmware.com",
)
XING_2021_01_15: Final = Mail(
    "Xing Zhengjun",
    date(2021, 1, 15),
    "Test report for kernel direct mapping performance",
    "213b4567-46ce-f116-9cdf-bbd0c884eb3c@linux.intel.com",
)
VAN_RIEL_2025_02_23: Final = Mail(
    "Rik van Riel",
    date(2025, 2, 23),
    "[PATCH v13 00/14] AMD broadcast TLB invalidation",
    "20250223194943.3518952-1-riel@surriel.com",
)
VAN_RIEL_2025_06_19: Final = Mail(
    "Rik van Riel",
    date(2025, 6, 19),
    "[RFC PATCH v4 0/8] Intel RAR TLB invalidation",
    "20250619200442.1694583-1-riel@surriel.com",
)
JACKMAN_2026_02_25: Final = Mail(
    "Brendan Jackman",
    date(2026, 2, 25),
    "[PATCH RFC 00/19] mm: Add __GFP_UNMAPPED",
    "20260225-page_alloc-unmapped-v1-0-e8808a03cd66@google.com",
)

BY_ID: Final = {
    mail.message_id: mail for mail in list(globals().values()) if isinstance(mail, Mail)
}
"""Every mail by its Message-ID."""
