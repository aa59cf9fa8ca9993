"""Whole processes, start to end, held to their bars. Another program on the machine only adds time:
so the best of many runs counts, and there are more of them until one keeps the bar."""

import os
import time

import pytest

from corpus import write_corpus
from driver import is_sanitized

HELP_MS = 5
SEARCH_MS = 60
RUNS_MIN, RUNS_MAX = 10, 200

pytestmark = pytest.mark.skipif(is_sanitized(), reason="sanitizers cost time")


def best_ms(ragged, bar_ms, *words):
    """Without Python's own part: the child is spawned, not forked, and writes to /dev/null."""
    command = ragged.command(*words)
    silent = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    best = float("inf")
    for n_runs in range(RUNS_MAX):
        if n_runs >= RUNS_MIN and best <= bar_ms:
            break
        started = time.perf_counter()
        child = os.posix_spawn(command[0], command, ragged.environment, file_actions=silent)
        _, status = os.waitpid(child, 0)
        best = min(best, (time.perf_counter() - started) * 1000)
        assert os.waitstatus_to_exitcode(status) == 0
    return best


def test_help(ragged):
    took = best_ms(ragged, HELP_MS, "--help")
    print("ragged --help: %.1f ms" % took)
    assert took <= HELP_MS


def test_search_in_a_library_of_5000_passages(ragged, tmp_path):
    write_corpus(tmp_path / "notes", 560, seed=5, n_sentences=24)
    short = {"RAGGED_CHUNK_TOKENS": 48, "RAGGED_CHUNK_OVERLAP": 1}  # many passages, little encoding
    ragged.run("add", tmp_path / "notes", env=short, timeout=1800)
    n_passages = ragged.json("status")["n_chunks"]
    took = {mode: best_ms(ragged, SEARCH_MS, "search", "--mode", mode, "amber river by the mill")
            for mode in ("lexical", "vector", "hybrid")}
    print(n_passages, "passages:", {mode: "%.0f ms" % ms for mode, ms in took.items()})
    assert n_passages >= 5000
    assert max(took.values()) <= SEARCH_MS
