"""The two passes of `add`: words at once, vectors after them; what stops the second leaves the first; and Ctrl-C ends
any stage of either within a second."""

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest

from corpus import WORDS, write_corpus
from driver import is_fault_build, is_sanitized

SEED = 20261129
CANCEL_S = 1.0
QUESTIONS = ("river of amber", "mark7", "granite and willow by the harbour")
# Nobody listens there.
NO_SERVER = {"RAGGED_EMBEDDING_BACKEND": "ollama", "RAGGED_EMBEDDING_MODEL": "all-minilm",
             "RAGGED_OLLAMA_URL": "http://127.0.0.1:9"}


@pytest.fixture
def busy_processor():
    """One processor, and a program that never stops on it."""
    number = max(os.sched_getaffinity(0))
    hog = subprocess.Popen(["taskset", "-c", str(number), "sh", "-c", "while :; do :; done"])
    yield number
    hog.kill()
    hog.wait()


def progress_on(processor, ragged, *words):
    """Progress of an add that has only this processor, as it comes; what is not wanted any more is killed."""
    command = ["taskset", "-c", str(processor), *ragged.command("add", "--progress", "json", "--threads", "2", *words)]
    process = subprocess.Popen(command, env=ragged.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for event in map(json.loads, process.stderr):
            if event["event"] == "progress":
                yield event
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(is_sanitized() or is_fault_build(), reason="the measured rate is that of ordinary builds")
def test_the_time_left_is_that_of_a_busy_machine(ragged, tmp_path, busy_processor):
    write_corpus(tmp_path / "few", 20, seed=SEED, n_sentences=60)
    told = list(progress_on(busy_processor, ragged, tmp_path / "few"))
    first = next(event for event in told if event["phase"] == "vectors" and event["eta_ms"] > 0)
    left_ms = told[-1]["elapsed_ms"] - first["elapsed_ms"]
    print("told %d ms, were %d ms" % (first["eta_ms"], left_ms))
    assert left_ms / 2 < first["eta_ms"] < left_ms * 2

    write_corpus(tmp_path / "many", 400, seed=SEED + 1, n_sentences=60)
    before = []
    for event in progress_on(busy_processor, ragged, tmp_path / "many"):
        if event["phase"] == "words":
            before.append(event)
        elif event["eta_ms"] > 0:
            break
    if before[-1]["eta_ms"] < 0:
        pytest.skip("no add on one processor has measured the encoder yet")
    print("told %d ms before the vectors, %d ms in their first seconds" % (before[-1]["eta_ms"], event["eta_ms"]))
    assert before[-1]["eta_ms"] / 4 < event["eta_ms"] < before[-1]["eta_ms"] * 4


@pytest.fixture
def notes(tmp_path):
    write_corpus(tmp_path / "notes", 60, seed=SEED, n_sentences=60)
    return tmp_path / "notes"


def progress_of(done):
    return [event for event in map(json.loads, done.stderr.splitlines()) if event["event"] == "progress"]


def test_every_word_is_found_before_the_first_vector_is_made(ragged, notes):
    write_corpus(notes, 400, seed=SEED, n_sentences=60)
    process = ragged.start("add", notes, "--quiet")
    while process.poll() is None:
        status = ragged.json("status")
        if status["n_vectors"] > 0 or status["n_missing_vectors"] > 0 and status["n_documents"] == 400:
            break
        time.sleep(0.01)
    assert process.poll() is None, "it was over before anybody looked"
    found = ragged.search("mark59", "--mode", "lexical")
    assert found[0]["file"].endswith("note-0059.md")
    assert ragged.json("status")["n_missing_vectors"] > 0
    assert process.wait() == 0
    assert ragged.json("status")["n_missing_vectors"] == 0
    ragged.check()


def test_progress_has_both_phases_and_one_end(ragged, notes):
    events = progress_of(ragged.run("add", "--progress", "json", notes))
    phases = [event["phase"] for event in events]
    assert phases == sorted(phases, reverse=True) and set(phases) == {"words", "vectors"}
    words = [event for event in events if event["phase"] == "words"]
    vectors = [event for event in events if event["phase"] == "vectors"]
    assert all(event["vectors_total"] == 0 for event in words)
    assert vectors[-1]["vectors_done"] == vectors[-1]["vectors_total"] > 0
    assert all(event["files_done"] == 60 for event in vectors)
    assert events[-1]["eta_ms"] == 0
    elapsed = [event["elapsed_ms"] for event in events]
    assert elapsed == sorted(elapsed)


def test_a_server_that_is_away_costs_the_vectors_only(ragged, notes):
    done = ragged.run("add", notes, env=NO_SERVER, code=3)
    assert "warning: not all vectors could be made: " in done.stderr and "127.0.0.1:9" in done.stderr
    assert "60 added" in done.stdout and "found by words only" in done.stdout
    status = ragged.json("status", env=NO_SERVER)
    assert status["n_documents"] == 60 and status["n_missing_vectors"] == status["n_chunks"]
    assert ragged.search("mark7", "--mode", "lexical")[0]["file"].endswith("note-0007.md")
    told = ragged.json("add", notes, env=NO_SERVER, code=3)
    assert told["unchanged"] == 60 and told["vectors_deferred"] == status["n_chunks"]
    assert told["degraded"] == ["embedder"] and len(told["warnings"]) == 1
    assert ragged.json("add", "--defer-vectors", notes, env=NO_SERVER)["degraded"] == []
    ragged.check()


def test_what_a_lost_server_left_is_made_when_it_is_back(ragged, notes):
    ragged.run("add", notes, env=NO_SERVER, code=3)
    n_left = ragged.json("status")["n_missing_vectors"]
    told = ragged.json("add", notes)
    assert told["vectors_filled"] == n_left and told["degraded"] == [] and told["warnings"] == []
    assert ragged.search("granite", "--mode", "vector")


@pytest.mark.parametrize("threads", [1, 4])
def test_a_large_folder_goes_into_segments_at_once(ragged, tmp_path, threads):
    write_corpus(tmp_path / "many", 400, seed=SEED, n_sentences=40)
    short = {"RAGGED_CHUNK_TOKENS": 48, "RAGGED_CHUNK_OVERLAP": 1}
    ragged.run("add", "--defer-vectors", "--threads", str(threads), tmp_path / "many", env=short)
    status = ragged.json("status")
    assert status["n_chunks"] > 4000
    assert status["n_tail"] < 2048 and status["n_segments"] >= 1
    for i in (0, 199, 399):
        assert ragged.search("mark%d" % i, "--mode", "lexical")[0]["file"].endswith("note-%04d.md" % i)
    ragged.check()
    ragged.run("remove", tmp_path / "many" / "note-0199.md")
    assert not any(hit["file"].endswith("note-0199.md")
                   for hit in ragged.search("mark199", "--mode", "lexical"))
    ragged.check()


# ---- Ctrl-C ----

class Deaf:
    """Takes connections and never says a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.taken = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return

    def environment(self):
        return {"RAGGED_EMBEDDING_BACKEND": "ollama", "RAGGED_EMBEDDING_MODEL": "all-minilm",
                "RAGGED_OLLAMA_URL": "http://127.0.0.1:%d" % self.listener.getsockname()[1]}


def write_large_text(path, n_bytes):
    dice = random.Random(SEED)
    piece = "".join(" ".join(dice.choices(WORDS, k=12)).capitalize() + ".\n" for _ in range(20000))
    with open(path, "w", encoding="utf-8") as file:
        for i in range(n_bytes // len(piece) + 1):
            file.write("Part %d.\n\n%s\n" % (i, piece))


def stage_scan(folder):
    for i in range(40):
        (folder / ("d%d" % i)).mkdir()
        for k in range(500):
            (folder / ("d%d" % i) / ("f%d.bin" % k)).touch()
    return (), None


def stage_hash_and_cut(folder):
    write_large_text(folder / "large.txt", 40_000_000)
    return ("--defer-vectors",), None


def stage_words(folder):
    write_corpus(folder / "many", 600, seed=SEED, n_sentences=80)
    return ("--defer-vectors",), None


def stage_vectors(folder):
    write_corpus(folder / "some", 60, seed=SEED, n_sentences=60)
    return (), None


def stage_server(folder):
    write_corpus(folder / "few", 2, seed=SEED)
    return (), Deaf()


@pytest.mark.parametrize("stage", [stage_scan, stage_hash_and_cut, stage_words, stage_vectors, stage_server])
@pytest.mark.skipif(is_sanitized() or is_fault_build(), reason="time is measured on ordinary builds")
def test_ctrl_c_ends_every_stage_within_a_second(ragged, tmp_path, stage):
    folder = tmp_path / "folder"
    folder.mkdir()
    words, server = stage(folder)
    environment = server.environment() if server else None
    dice = random.Random(SEED)
    took = []
    for i in range(6):
        process = ragged.start("add", *words, folder, "--quiet", env=environment)
        time.sleep(dice.uniform(0.02, 0.5 + i / 2))
        if process.poll() is not None:
            continue
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM if i % 2 else signal.SIGINT)
        code = process.wait(timeout=30)
        took.append(time.monotonic() - asked)
        assert code in (0, 130, 143, -2, -15), code
        if ragged.data.exists():
            ragged.check()
    print("%s: stopped after %s" % (stage.__name__, " ".join("%.2f s" % s for s in took)))
    assert max(took, default=0) <= CANCEL_S


def test_fail_fast_writes_nothing_behind_the_first_failure(ragged, tmp_path):
    """Also of files that were read already and stand in the same group."""
    folder = tmp_path / "some"
    write_corpus(folder, 20, seed=SEED, n_sentences=5)
    (folder / "note-0005.pdf").write_bytes(b"%PDF-1.4 nothing of the kind")
    ragged.run("add", "--fail-fast", "--defer-vectors", folder, code=3)
    listed = [document["file"] for document in ragged.json("list")["documents"]]
    assert sorted(os.path.basename(name) for name in listed) == [
        "note-0000.md", "note-0001.md", "note-0002.md", "note-0003.md", "note-0004.md", "note-0005.md",
        "note-0005.pdf"]
    ragged.check()
