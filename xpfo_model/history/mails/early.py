# SPDX-License-Identifier: GPL-2.0-only
"""The mails of 2016 to 2018: v1 to v6, the thread, the prototype, the forward port."""

from typing import Final

from xpfo_model.history.mails.mail import Mail, Seen

_XPFO: Final = "Add support for eXclusive Page Frame Ownership"
_V6_03: Final = f"Re: [PATCH v6 03/11] mm, x86: {_XPFO} (XPFO)"
_V5_04: Final = "Re: [kernel-hardening] [PATCH v5 04/10] arm64: Add __flush_tlb_one()"
_HOT: Final = "xpfo: Only put previous userspace pages into the hot cache"
_REDOING: Final = (
    "Re: Redoing eXclusive Page Frame Ownership (XPFO) with isolated CPUs in mind "
    "(for KVM to isolate its guests per CPU)"
)
_STECKLINA: Final = "u54ee758033e858cfa736.ant.amazon.com"

HAEFLIGER_2016_02_26: Final = Mail(
    "Juerg Haefliger",
    "2016-02-26",
    f"[RFC PATCH] {_XPFO} (XPFO)",
    "1456496467-14247-1-git-send-email-juerg.haefliger@hpe.com",
    seen=Seen.QUOTED,
)
ABBOTT_2016_02_29: Final = Mail(
    "Laura Abbott",
    "2016-02-29 17:31 -0800",
    f"Re: [RFC PATCH] {_XPFO} (XPFO)",
    "56D4F0D6.2060308@redhat.com",
)
HAEFLIGER_2016_09_14: Final = Mail(
    "Juerg Haefliger",
    "2016-09-14 09:18 +0200",
    f"[RFC PATCH v2 0/3] {_XPFO} (XPFO)",
    "20160914071901.8127-1-juerg.haefliger@hpe.com",
)
HAEFLIGER_2016_09_21: Final = Mail(
    "Juerg Haefliger",
    "2016-09-21 07:32 +0200",
    f"Re: [kernel-hardening] [RFC PATCH v2 2/3] {_HOT}",
    "09d3ac8c-1111-b7aa-4720-b7a7b7c7798b@hpe.com",
)
HAEFLIGER_2016_11_04: Final = Mail(
    "Juerg Haefliger",
    "2016-11-04 15:45 +0100",
    f"[RFC PATCH v3 0/2] {_XPFO} (XPFO)",
    "20161104144534.14790-1-juerg.haefliger@hpe.com",
)
AKASHI_2016_11_24: Final = Mail(
    "AKASHI Takahiro",
    "2016-11-24",
    f"Re: [RFC PATCH v3 1/2] {_XPFO} (XPFO)",
    "20161124105629.GA23034@linaro.org",
)
ANDERSEN_2017_06_07: Final = Mail(
    "Tycho Andersen",
    "2017-06-07 15:16 -0600",
    f"[RFC v4 0/3] {_XPFO}",
    "20170607211653.14536-1-tycho@docker.com",
)
ANDERSEN_2017_08_09: Final = Mail(
    "Tycho Andersen",
    "2017-08-09 14:07 -0600",
    f"[PATCH v5 00/10] {_XPFO}",
    "20170809200755.11234-1-tycho@docker.com",
)
RUTLAND_2017_08_23: Final = Mail(
    "Mark Rutland",
    "2017-08-23 18:04 +0100",
    _V5_04,
    "20170823170443.GD12567@leverpostej",
)
ANDERSEN_2017_09_07: Final = Mail(
    "Tycho Andersen",
    "2017-09-07 11:35 -0600",
    f"[PATCH v6 00/11] {_XPFO}",
    "20170907173609.22696-1-tycho@docker.com",
)
XIE_2017_09_11: Final = Mail(
    "Yisheng Xie",
    "2017-09-11 15:24 +0800",
    _V6_03,
    "302be94d-7e44-001d-286c-2b0cd6098f7b@huawei.com",
)
HAEFLIGER_2017_09_11: Final = Mail(
    "Juerg Haefliger",
    "2017-09-11 18:03 +0200",
    _V6_03,
    "57e95ad2-81d8-bf83-3e78-1313daa1bb80@canonical.com",
)
ANDERSEN_2017_09_11: Final = Mail(
    "Tycho Andersen",
    "2017-09-11 11:32 -0700",
    _V6_03,
    "20170911183225.crtqa5p7tzxft43a@docker",
)
BENATTO_2017_09_11: Final = Mail(
    "Marco Benatto",
    "2017-09-11 18:54 -0300",
    _V6_03,
    "CADHkTqVu9qp6Z3toQpzP38upU-3Z4wg=K5E2imVPgxpeA2kdZA@mail.gmail.com",
)
ANDERSEN_2017_09_12: Final = Mail(
    "Tycho Andersen",
    "2017-09-12 11:13 -0700",
    _V6_03,
    "20170912181303.aqjj5ri3mhscw63t@docker",
)
HANSEN_2017_09_20_0848: Final = Mail(
    "Dave Hansen",
    "2017-09-20 08:48 -0700",
    _V6_03,
    "34454a32-72c2-c62e-546c-1837e05327e1@intel.com",
    timed=True,
)
ANDERSEN_2017_09_20_1634: Final = Mail(
    "Tycho Andersen",
    "2017-09-20 16:34 -0600",
    _V6_03,
    "20170920223452.vam3egenc533rcta@smitten",
    timed=True,
)
HANSEN_2017_09_20_1621: Final = Mail(
    "Dave Hansen",
    "2017-09-20 16:21 -0700",
    _V6_03,
    "97475308-1f3d-ea91-5647-39231f3b40e5@intel.com",
    timed=True,
)
HANSEN_2017_09_20_1646: Final = Mail(
    "Dave Hansen",
    "2017-09-20 16:46 -0700",
    _V6_03,
    "91923595-7f02-3be0-9c59-9c1fd20c82a8@intel.com",
    timed=True,
)
ANDERSEN_2017_09_20_1802: Final = Mail(
    "Tycho Andersen",
    "2017-09-20 18:02 -0600",
    _V6_03,
    "20170921000210.drjiywtp4n75yovk@docker",
    timed=True,
)
HANSEN_2017_09_20_1704: Final = Mail(
    "Dave Hansen",
    "2017-09-20 17:04 -0700",
    _V6_03,
    "21bcc50a-f333-fb43-adef-ed501fc6b127@intel.com",
    timed=True,
)
ANDERSEN_2017_09_20_1809: Final = Mail(
    "Tycho Andersen",
    "2017-09-20 18:09 -0600",
    _V6_03,
    "20170921000901.v7zo4g5edhqqfabm@docker",
    timed=True,
)
HANSEN_2017_09_20_1727: Final = Mail(
    "Dave Hansen",
    "2017-09-20 17:27 -0700",
    _V6_03,
    "d1a35583-8225-2ab3-d9fa-273482615d09@intel.com",
    timed=True,
)
ANDERSEN_2017_09_20_1937: Final = Mail(
    "Tycho Andersen",
    "2017-09-20 19:37 -0600",
    _V6_03,
    "20170921013712.lznwkkmdmp64vaiq@docker",
    timed=True,
)
ANDERSEN_2017_11_09: Final = Mail(
    "Tycho Andersen",
    "2017-11-09 18:09 -0700",
    _V6_03,
    "20171110010907.qfkqhrbtdkt5y3hy@smitten",
)
HANSEN_2017_11_13: Final = Mail(
    "Dave Hansen",
    "2017-11-13 14:46 -0800",
    _V6_03,
    "2aa64bf6-fead-08cc-f4fe-bd353008ca59@intel.com",
)
WILCOX_2017_11_15: Final = Mail(
    "Matthew Wilcox",
    "2017-11-15 13:34 -0800",
    _V6_03,
    "20171115213434.GA6982@bombadil.infradead.org",
)
STECKLINA_2018_08_30: Final = Mail(
    "Julian Stecklina",
    "2018-08-30 18:00 +0200",
    _REDOING,
    f"ciirm8a7p3alos.fsf@{_STECKLINA}",
)
TORVALDS_2018_09_01: Final = Mail(
    "Linus Torvalds",
    "2018-09-01 14:38 -0700",
    _REDOING,
    "CA+55aFzHj_GNZWG4K2oDu4DPP9sZdTZ9PY7sBxGB6WoN9g8d=A@mail.gmail.com",
    seen=Seen.QUOTED,
)
AZIZ_2018_09_07: Final = Mail(
    "Khalid Aziz",
    "2018-09-07 15:30 -0600",
    _REDOING,
    "80a75259-e38b-be94-dc4a-827eddfae931@oracle.com",
)
STECKLINA_2018_09_12: Final = Mail(
    "Julian Stecklina",
    "2018-09-12 17:37 +0200",
    _REDOING,
    f"ciirm8efdy916l.fsf@{_STECKLINA}",
    seen=Seen.QUOTED,
)
HAEFLIGER_2018_09_13: Final = Mail(
    "Juerg Haefliger",
    "2018-09-13 08:11 +0200",
    _REDOING,
    "CADLDEKsxx=MSFu=4_4JLX1afUMr3GVjNxSQ-726NrbLn8KQaQg@mail.gmail.com",
)
AZIZ_2018_09_14: Final = Mail(
    "Khalid Aziz",
    "2018-09-14 11:06 -0600",
    _REDOING,
    "5efc291c-b0ed-577e-02d1-285d080c293d@oracle.com",
)
STECKLINA_2018_09_17: Final = Mail(
    "Julian Stecklina",
    "2018-09-17 11:51 +0200",
    _REDOING,
    f"ciirm8va743105.fsf@{_STECKLINA}",
)
AZIZ_2018_10_15: Final = Mail(
    "Khalid Aziz",
    "2018-10-15 02:07 -0600",
    _REDOING,
    "063f5efc-afb2-471f-eb4b-79bf90db22dd@oracle.com",
)
AZIZ_2018_10_24: Final = Mail(
    "Khalid Aziz",
    "2018-10-24 16:30 +0530",
    _REDOING,
    "6cc985bb-6aed-4fb7-0ef2-43aad2717095@oracle.com",
)
