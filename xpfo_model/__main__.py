# SPDX-License-Identifier: GPL-2.0-only
"""``python -m xpfo_model`` is the command ``xpfo-model``."""

import sys

from xpfo_model.cli import main

sys.exit(main())
