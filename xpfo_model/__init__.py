# SPDX-License-Identifier: GPL-2.0-only
"""A reference model of XPFO, run over traces of real kernels.

The floors, and imports only go down: words (`gfp`, `events`, `constants`,
`traces`), state (`machine`), movers (`strategies`), questions (`replay`,
`compare`), face (`claims`, `figures`, `cite`, `sphinxext`, `cli`).
"""

__version__ = "0.1.0"
