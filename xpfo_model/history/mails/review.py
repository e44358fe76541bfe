# SPDX-License-Identifier: GPL-2.0-only
"""The mails of 2019: v7 to v9, and what was said of them."""

from typing import Final

from xpfo_model.history.mails.mail import Mail, Seen

_XPFO: Final = "Add support for eXclusive Page Frame Ownership"
_V7: Final = f"[RFC PATCH v7 00/16] {_XPFO}"
_V9_03: Final = f"Re: [RFC PATCH v9 03/13] mm: {_XPFO} (XPFO)"
_DEFER: Final = "xpfo, mm: Defer TLB flushes for non-current CPUs (x86 only)"
_V9_12: Final = f"Re: [RFC PATCH v9 12/13] {_DEFER}"
_HIREZ: Final = "hirez.programming.kicks-ass.net"

AZIZ_2019_01_10: Final = Mail(
    "Khalid Aziz",
    "2019-01-10 14:09 -0700",
    _V7,
    "cover.1547153058.git.khalid.aziz@oracle.com",
)
HANSEN_2019_01_10: Final = Mail(
    "Dave Hansen",
    "2019-01-10 15:40 -0800",
    f"Re: {_V7}",
    "31fe7522-0a59-94c8-663e-049e9ad2bff6@intel.com",
)
HANSEN_2019_01_11: Final = Mail(
    "Dave Hansen",
    "2019-01-11 12:42 -0800",
    f"Re: {_V7}",
    "8ffc77a9-6eae-7287-0ea3-56bfb61758cd@intel.com",
)
LUTOMIRSKI_2019_01_11: Final = Mail(
    "Andy Lutomirski",
    "2019-01-11 13:06 -0800",
    f"Re: {_V7}",
    "CALCETrXqJJq1LMxfBA=LK=PYc5Q7hgeDQGap38h1AUAQuF2VHA@mail.gmail.com",
)
AZIZ_2019_02_13: Final = Mail(
    "Khalid Aziz",
    "2019-02-13 17:01 -0700",
    f"[RFC PATCH v8 00/14] {_XPFO}",
    "cover.1550088114.git.khalid.aziz@oracle.com",
)
HANSEN_2019_02_14: Final = Mail(
    "Dave Hansen",
    "2019-02-14 09:42 -0800",
    f"Re: [RFC PATCH v8 13/14] {_DEFER}",
    "a6510fa8-e96d-677b-78df-da9a19c4089b@intel.com",
)
AZIZ_2019_04_03: Final = Mail(
    "Khalid Aziz",
    "2019-04-03 11:34 -0600",
    f"[RFC PATCH v9 00/13] {_XPFO}",
    "cover.1554248001.git.khalid.aziz@oracle.com",
)
LUTOMIRSKI_2019_04_03: Final = Mail(
    "Andy Lutomirski",
    "2019-04-03 21:10 -0700",
    _V9_12,
    "CALCETrXMXxnWqN94d83UvGWhkD1BNWiwvH2vsUth1w0T3=0ywQ@mail.gmail.com",
)
ZIJLSTRA_2019_04_04_0921: Final = Mail(
    "Peter Zijlstra",
    "2019-04-04 09:21 +0200",
    _V9_03,
    f"20190404072152.GN4038@{_HIREZ}",
    timed=True,
)
ZIJLSTRA_2019_04_04_0952: Final = Mail(
    "Peter Zijlstra",
    "2019-04-04 09:52 +0200",
    "Re: [RFC PATCH v9 04/13] xpfo, x86: Add support for XPFO for x86-64",
    f"20190404075206.GP4038@{_HIREZ}",
    timed=True,
)
ZIJLSTRA_2019_04_04_1018: Final = Mail(
    "Peter Zijlstra",
    "2019-04-04 10:18 +0200",
    _V9_12,
    f"20190404081847.GR4038@{_HIREZ}",
    timed=True,
)
ZIJLSTRA_2019_04_04_1125: Final = Mail(
    "Peter Zijlstra",
    "2019-04-04 11:25 +0200",
    _V9_03,
    f"20190404092506.GC14281@{_HIREZ}",
    timed=True,
)
GLEIXNER_2019_04_05: Final = Mail(
    "Thomas Gleixner",
    "2019-04-05 09:17 +0200",
    _V9_12,
    "alpine.DEB.2.21.1904050909520.1802@nanos.tec.linutronix.de",
)
HANSEN_2019_04_05: Final = Mail(
    "Dave Hansen",
    "2019-04-05 07:44 -0700",
    _V9_12,
    "26b00051-b03c-9fce-1446-52f0d6ed52f8@intel.com",
)
LUTOMIRSKI_2019_04_05: Final = Mail(
    "Andy Lutomirski",
    "2019-04-05 09:24 -0600",
    _V9_12,
    "DFA69954-3F0F-4B79-A9B5-893D33D87E51@amacapital.net",
)
MOLNAR_2019_04_17: Final = Mail(
    "Ingo Molnar",
    "2019-04-17 18:10 +0200",
    _V9_03,
    "20190417161042.GA43453@gmail.com",
)
AZIZ_2019_04_17: Final = Mail(
    "Khalid Aziz",
    "2019-04-17 11:33 -0600",
    _V9_03,
    "8d314750-251c-7e6a-7002-5df2462ada6b@oracle.com",
)
TORVALDS_2019_04_17: Final = Mail(
    "Linus Torvalds",
    "2019-04-17 16:52 -0700",
    _V9_03,
    "CAHk-=whUwOjFW6RjHVM8kNOv1QVLJuHj2Dda0=mpLPdJ1UyatQ@mail.gmail.com",
    seen=Seen.QUOTED,
)
LUTOMIRSKI_2019_04_17: Final = Mail(
    "Andy Lutomirski",
    "2019-04-17 21:41 -0700",
    _V9_03,
    "CALCETrXm9PuUTEEmzA8bQJmg=PHC_2XSywECittVhXbMJS1rSA@mail.gmail.com",
)
COOK_2019_04_18: Final = Mail(
    "Kees Cook",
    "2019-04-18 00:41 -0500",
    _V9_03,
    "CAGXu5jL-qJtW7eH8S2yhqciE+J+FWz8HHzTrGJTgVUbd55n6dQ@mail.gmail.com",
)
AZIZ_2019_04_18: Final = Mail(
    "Khalid Aziz",
    "2019-04-18 08:34 -0600",
    _V9_03,
    "8f9d059d-e720-cd24-faa6-45493fc012e0@oracle.com",
)
COOK_2019_04_22: Final = Mail(
    "Kees Cook",
    "2019-04-22 15:23 -0700",
    _V9_03,
    "CAGXu5jLPkD_6BL1m2=13KVTfZ7znr-xAyz+CB23eoeboFgCSOg@mail.gmail.com",
)
LONG_2019_05_01: Final = Mail(
    "Waiman Long",
    "2019-05-01 08:49 -0600",
    _V9_03,
    "35c4635e-8214-7dde-b4ec-4cb266b2ea10@redhat.com",
    seen=Seen.QUOTED,
)
AZIZ_2019_05_01: Final = Mail(
    "Khalid Aziz",
    "2019-05-01 09:18 -0600",
    _V9_03,
    "4a47cf86-a05d-3de5-0320-eda06101cc75@oracle.com",
)
