"""Files written by a script are what the script writes."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_wordpiece_table_matches_its_source():
    script = ROOT / "test" / "golden" / "make_wordpiece_table.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
