# SPDX-License-Identifier: GPL-2.0-only
"""Run every benchmark of this directory, one after the other."""

import subprocess
import sys
from pathlib import Path

for script in sorted(Path(__file__).parent.glob("bench_*.py")):
    print(f"== {script.stem}", flush=True)
    done = subprocess.run([sys.executable, str(script)], check=False)
    if done.returncode:
        sys.exit(done.returncode)
