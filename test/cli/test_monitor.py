"""Counters: shared by all processes of a library, read by people and by Prometheus, never in the way."""
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="[^"\\]*",?)+)\})? (\d+(?:\.\d+)?(?:e[+-]\d+)?)$')


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Tides\n\nThe moon raises the tides of the sea.\n")
    (folder / "b.md").write_text("# Bread\n\nYeast makes the dough of bread rise.\n")
    return folder


def samples(text):
    """{name{labels}: value}; every line must be one that Prometheus takes."""
    found, typed = {}, set()
    for line in text.splitlines():
        head = re.match(r"# (HELP|TYPE) ([a-z_]+) (.+)$", line)
        if head:
            if head[1] == "TYPE":
                assert head[2] not in typed, "a name's rows must stand together"
                assert head[3] in ("counter", "gauge", "histogram")
                typed.add(head[2])
            continue
        sample = SAMPLE.match(line)
        assert sample, line
        name = re.sub(r"_(bucket|sum|count)$", "", sample[1])
        assert sample[1] in typed or name in typed, line
        key = "%s{%s}" % (sample[1], sample[2] or "")
        assert key not in found, "twice: " + key
        found[key] = float(sample[3])
    return found


def monitor(ragged):
    return samples(ragged.run("monitor", "--prometheus").stdout)


def test_counts_of_all_processes_add_up(ragged, notes):
    ragged.run("add", notes)
    for _ in range(3):
        ragged.run("search", "--mode", "lexical", "moon tides")
    counts = monitor(ragged)
    assert counts['ragged_ingest_files_total{result="added"}'] == 2
    assert counts["ragged_ingest_chunks_total{}"] == counts["ragged_chunks{}"] == 2
    assert sum(v for k, v in counts.items() if k.startswith("ragged_queries_total")) == 3
    assert counts['ragged_query_seconds_count{stage="total"}'] == 3
    assert counts['ragged_query_seconds_bucket{stage="total",le="+Inf"}'] == 3


def test_buckets_grow_and_end_at_all(ragged, notes):
    ragged.run("add", notes)
    ragged.run("search", "bread")
    counts = monitor(ragged)
    buckets = [v for k, v in counts.items() if k.startswith('ragged_query_seconds_bucket{stage="total"')]
    assert buckets == sorted(buckets) and buckets[-1] == 1
    assert 0 < counts['ragged_query_seconds_sum{stage="total"}'] < 10


def test_prometheus_has_nothing_to_say_against_it(ragged, notes):
    """Its own tool reads it. The package is 96 MB, so ./check does not install it: apt-get install prometheus."""
    if not shutil.which("promtool"):
        pytest.skip("promtool, of the package prometheus, is not installed")

    def judge(text):
        return subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)

    assert judge("ragged_x{a=b} 1\n").returncode != 0
    for words in ("monitor",), ("add", notes), ("search", "moon"), ("query", "what raises the tides?"):
        ragged.run(*words)
        done = judge(ragged.run("monitor", "--prometheus").stdout)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_json_has_latencies_and_no_word_of_the_user(ragged, notes):
    ragged.run("add", notes)
    ragged.run("search", "--mode", "lexical", "moon")
    shown = ragged.json("monitor")
    total = [row for row in shown["latencies"] if row["label"] == 'stage="total"'][0]
    assert total["count"] == 1 and 0 < total["p50_s"] <= total["p99_s"]
    assert "moon" not in str(shown) and "a.md" not in str(shown)


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 100000, os.urandom(70000)])
def test_a_damaged_file_is_begun_anew(ragged, notes, damage):
    ragged.run("add", notes)
    file = os.path.join(ragged.data, "metrics")
    with open(file, "r+b") as out:
        out.truncate(0)
        out.write(damage)
    ragged.run("search", "--mode", "lexical", "moon")
    assert monitor(ragged)['ragged_query_seconds_count{stage="total"}'] == 1


def test_a_library_that_cannot_be_written_is_searched_all_the_same(ragged, notes):
    ragged.run("add", notes)
    file = os.path.join(ragged.data, "metrics")
    os.remove(file)
    os.mkdir(file)
    assert ragged.search("moon", "--mode", "lexical")
    os.rmdir(file)


def test_looking_makes_no_library(ragged):
    ragged.run("monitor")
    assert not os.path.exists(ragged.data)


def test_a_running_add_is_seen_from_outside(ragged, notes):
    for i in range(300):
        (notes / ("more%d.md" % i)).write_text("# More %d\n\n%s\n" % (i, "The tide rises at the shore. " * 40))
    process = ragged.start("add", notes, "--quiet")
    seen = []
    while process.poll() is None:
        seen += ragged.json("monitor")["operations"]
    assert process.returncode == 0
    assert {row["name"] for row in seen} == {"add"} and {row["process"] for row in seen} == {process.pid}
    vectors = [row for row in seen if row["stage"] == "vectors"]
    assert vectors and all(0 <= row["done"] <= row["total"] for row in vectors)
    assert ragged.json("monitor")["operations"] == []


def test_a_question_that_waits_is_seen_from_outside(ragged, notes):
    """For a server that takes the call and never answers."""
    ragged.run("add", notes)
    with socket.create_server(("127.0.0.1", 0)) as server:
        env = {"RAGGED_GENERATOR": "openai", "RAGGED_LLM_MODEL": "mute",
               "RAGGED_OPENAI_URL": "http://127.0.0.1:%d/v1" % server.getsockname()[1]}
        process = ragged.start("query", "what raises the tides of the sea?", env=env)
        seen, end = [], time.monotonic() + 30
        while not seen and process.poll() is None and time.monotonic() < end:
            seen = ragged.json("monitor")["operations"]
        process.kill()
        process.wait()
    assert [(row["name"], row["process"], row["memory_state"]) for row in seen] == [("query", process.pid, None)]
    assert ragged.json("monitor")["operations"] == []
