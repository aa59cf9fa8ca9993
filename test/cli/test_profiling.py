"""The command lines that were promised, as they were written; their JSON fits its schema, and a timer outside agrees. How
well on a quiet machine: docs/bench/outside.md. Here so much as holds on any."""

import copy
import json
import subprocess
import time

import pytest

from driver import is_sanitized
from schema import complaints, fits

QUESTION = b"how do I reset the admin password of the staging server?\n"


def figures(answer):
    return {row["name"]: row for row in answer["results"]}


def timed(ragged, line, cwd=None):
    """The answer of a command line as a person writes it, and the seconds it took."""
    started = time.monotonic()
    answer = json.loads(ragged.run(*line.split()[1:], "--json", cwd=cwd, timeout=1200).stdout)
    return answer, time.monotonic() - started


def test_the_schema_sees_what_does_not_fit(ragged):
    answer, _ = timed(ragged, "ragged benchmark embedding-init --runs 1 --warmup 0")
    fits(answer, "benchmark")
    for spoil in (lambda a: a.pop("runs"), lambda a: a.update(runs="1"), lambda a: a.update(runs=0),
                  lambda a: a.update(more=1), lambda a: a["results"].clear(), lambda a: a.update(time="now"),
                  lambda a: a["results"][0].update(median=None), lambda a: a["results"][0].update(better="up"),
                  lambda a: a["machine"].update(cores=True)):
        spoiled = copy.deepcopy(answer)
        spoil(spoiled)
        with pytest.raises(AssertionError):
            fits(spoiled, "benchmark")
    with pytest.raises(ValueError):
        list(complaints({}, {"format": "date"}))


def first_vector_ms(ragged):
    """From nothing to the first vector, seen from here."""
    started = time.monotonic()
    process = subprocess.Popen(ragged.command("embed", "--query"), env=ragged.environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    process.stdin.write(QUESTION)
    process.stdin.close()
    assert process.stdout.readline()
    took = time.monotonic() - started
    process.stdout.read()
    assert process.wait() == 0
    return 1e3 * took


def test_embedding_init(ragged):
    answer, seconds = timed(ragged, "ragged benchmark embedding-init --runs 10")
    fits(answer, "benchmark")
    row = figures(answer)["process"]
    assert row["samples"] == 10 and 0 < 10 * row["mean"] < 1e3 * seconds
    outside = min(first_vector_ms(ragged) for _ in range(10))
    assert row["min"] / 3 < outside < row["max"] * 3


def test_batch_embed(ragged):
    if is_sanitized():
        pytest.skip("an instrumented encoder would take minutes")
    answer, seconds = timed(ragged, "ragged benchmark batch-embed --size 100 --runs 5")
    fits(answer, "benchmark")
    rows = figures(answer)
    wholes = [rows[name] for name in ("equal_one_thread", "equal_all_threads", "mixed_one_thread", "mixed_all_threads")]
    assert {row["samples"] for row in wholes} == {5}
    # It can not have worked for longer than it was there, nor idled: warm-up runs are as long as the others.
    inside = sum(5 * 100 / row["max"] for row in wholes)
    assert inside < seconds
    assert sum(7 * 100 / row["min"] for row in wholes) > seconds / 3


def test_query(library, tmp_path):
    (tmp_path / "test-set.txt").write_text("how much water do tomatoes get?\nE-4711 frozen drain\n")
    answer, seconds = timed(library, "ragged benchmark query --queries test-set.txt --runs 20", cwd=tmp_path)
    fits(answer, "benchmark")
    row = figures(answer)["hybrid_process"]
    assert row["samples"] == 40 and 40 * row["mean"] < 1e3 * seconds
    outside = []
    for _ in range(10):
        started = time.monotonic()
        library.run("search", "--json", "--no-cache", "E-4711 frozen drain")
        outside.append(1e3 * (time.monotonic() - started))
    assert row["min"] / 3 < min(outside) < row["max"] * 3
