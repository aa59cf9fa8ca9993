"""A real systemd-journald with a /run of its own, in a mount namespace; what comes to nothing of it ends with the namespace."""

import json
import os
import shutil
import subprocess

import pytest

DAEMON = "/lib/systemd/systemd-journald"
# As systemd begins a unit: standard error is a stream of the journal, and JOURNAL_STREAM says which.
SCRIPT = r"""
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal || exit 77
"$0" 2>/dev/null &
for i in $(seq 100); do [ -S /run/systemd/journal/stdout ] && break; sleep .05; done
systemd-cat --identifier=ragged sh -c 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"' sh "$@" || exit 78
journalctl --sync || exit 78
exec journalctl --identifier=ragged --output=json --no-pager
"""


def journal_of(ragged, *words):
    """What the journal holds of a command run as a unit."""
    if not os.access(DAEMON, os.X_OK) or not shutil.which("unshare"):
        pytest.skip("no systemd-journald here")
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "--kill-child", "--fork", "--pid", "--mount-proc",
                           "sh", "-c", SCRIPT, DAEMON, *ragged.command(*words)],
                          env=ragged.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if done.stderr.startswith("unshare:") or done.returncode == 77:
        pytest.skip("no namespace for a journal can be made here: " + done.stderr)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]
