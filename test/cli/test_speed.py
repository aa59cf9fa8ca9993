"""Whole processes, start to end. The limits are generous; the figures are printed."""

import time

import pytest

from corpus import write_corpus
from driver import is_sanitized

pytestmark = pytest.mark.skipif(is_sanitized(), reason="sanitizers cost time")


def best_ms(action, n_runs=9):
    times = []
    for _ in range(n_runs):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


def test_help(ragged):
    took = best_ms(lambda: ragged.run("--help"))
    print("ragged --help: %.1f ms" % took)
    assert took < 25


def test_search_in_a_library_of_5000_passages(ragged, tmp_path):
    write_corpus(tmp_path / "notes", 560, seed=5, n_sentences=24)
    short = {"RAGGED_CHUNK_TOKENS": 48, "RAGGED_CHUNK_OVERLAP": 1}  # many passages, little encoding
    ragged.run("add", tmp_path / "notes", env=short, timeout=1800)
    passages = ragged.json("status")
    took = {mode: best_ms(lambda: ragged.run("search", "--mode", mode, "amber river by the mill"))
            for mode in ("lexical", "vector", "hybrid")}
    print(passages["n_chunks"], "passages:", {mode: "%.0f ms" % ms for mode, ms in took.items()})
    assert passages["n_chunks"] >= 5000
    assert took["hybrid"] < 180
