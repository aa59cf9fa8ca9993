"""kill -9 at random moments of `add`: nothing half-visible, and a re-run completes the work.

RAGGED_KILLS: how many moments (100)."""

import os
import random
import shutil
import time

import pytest

from corpus import write_corpus
from driver import is_fault_build, is_sanitized, library_state

SEED = 20261124
QUESTIONS = ("river of amber", "mark7", "granite and willow by the harbour")
N_KILLS = int(os.environ.get("RAGGED_KILLS", "10" if is_sanitized() else "100"))


def test_kill_at_random_moments(ragged, tmp_path):
    notes = tmp_path / "notes"
    write_corpus(notes, 20, seed=SEED, n_sentences=4)
    started = time.monotonic()
    ragged.run("add", notes)
    uninterrupted_s = time.monotonic() - started
    expected = library_state(ragged, QUESTIONS)

    dice = random.Random(SEED)
    n_killed = 0
    for i in range(N_KILLS):
        shutil.rmtree(ragged.data)
        process = ragged.start("add", notes, "--quiet")
        time.sleep(dice.uniform(0, uninterrupted_s))
        n_killed += process.poll() is None
        process.kill()
        process.wait()
        if ragged.data.exists():
            ragged.check()
        ragged.run("add", notes)
        ragged.check()
        assert library_state(ragged, QUESTIONS) == expected, "after kill %d of seed %d" % (i, SEED)
    print("%d of %d were killed before the end" % (n_killed, N_KILLS))
    assert n_killed > N_KILLS // 3


@pytest.mark.skipif(not is_fault_build(), reason="needs a FAULT=1 build")
def test_kill_at_each_step_that_makes_a_library(ragged, tmp_path):
    """A journal that a killed creator left is rolled back by whoever comes next, a reader too."""
    notes = tmp_path / "notes"
    write_corpus(notes, 1, seed=SEED, n_sentences=2)
    for step in ("sqlite.write", "sqlite.sync", "sqlite.truncate"):
        for ordinal in range(1, 13):
            shutil.rmtree(ragged.data, ignore_errors=True)
            ragged.try_run("add", notes, env={"RAGGED_FAULT": "kill@%s:%d" % (step, ordinal)})
            if ragged.data.exists():
                ragged.check()
    ragged.run("add", notes)
    ragged.check()
