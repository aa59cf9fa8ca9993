"""profile-memory runs the command as it is, and its sums agree with what is seen from outside."""

import json
import subprocess

import pytest

from driver import build_folder, entries

SENTENCE = "the tide rises and falls in the bay twice a day, and the boats wait for it\n"


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts"
    path.write_text(SENTENCE * 400)
    return path


def profiled(ragged, *words, code=0, **more):
    done = ragged.run("profile-memory", "--json", *words, code=code, **more)
    return done.stdout, json.loads(done.stderr[done.stderr.index("{\n"):])


def peak_from_outside(ragged, *words):
    """Of a run that nobody profiles, as the kernel counts it: of a child of a small program, because what is counted
    begins with the memory of whoever starts it."""
    bench = build_folder() / "test" / "tools" / "process_bench"
    if not bench.exists():
        pytest.skip("process_bench is not built")
    done = subprocess.run([bench, "once", *ragged.command(*words)], env=ragged.environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout[done.stdout.rindex(b'{"wall_ms"'):])["peak_mib"] * 1024 * 1024


def test_the_peak_is_what_is_seen_from_outside(ragged, texts):
    outside = peak_from_outside(ragged, "embed", "--format", "f32", texts)
    _, told = profiled(ragged, "embed", "--progress", "none", texts)
    resident = told["resident"]
    assert resident["peak_bytes"] == pytest.approx(outside, rel=0.25)
    parts = [resident[key] for key in ("heap_bytes", "library_bytes", "kept_bytes", "file_bytes", "stack_bytes",
                                       "book_bytes")]
    assert sum(parts) == pytest.approx(outside, rel=0.25)
    assert sum(parts) + resident["unexplained_bytes"] == resident["look_bytes"]


def test_sums_agree_and_nothing_is_left(ragged, texts):
    _, told = profiled(ragged, "embed", texts)
    for rows in (told["subsystems"], told["places"]):
        for key in ("current_bytes", "current_blocks", "blocks", "bytes"):
            assert sum(row[key] for row in rows) == told["heap"][key]
        assert max(row["peak_bytes"] for row in rows) <= told["heap"]["peak_bytes"]
    assert sum(row["blocks"] for row in told["sizes"]) == told["heap"]["blocks"]
    assert told["heap"]["current_bytes"] == 0 and told["heap"]["current_blocks"] == 0
    assert told["missed_blocks"] == 0 and told["exit_code"] == 0 and told["command"] == "embed"
    names = [row["name"] for row in told["subsystems"]]
    assert names[0] == "nn" and "base" not in names
    assert any(row["place"].startswith("nn/forward.c forward_run+") for row in told["places"])


@pytest.mark.parametrize("words", [("query", "tomato plants"), ("search", "--mode", "lexical", "tomato")])
def test_the_command_answers_as_usual(library, words):
    stdout, told = profiled(library, *words, "--json", "--no-cache")
    answer, usual = json.loads(stdout), library.json(*words, "--no-cache")
    assert answer.keys() == usual.keys()
    assert told["heap"]["current_blocks"] == 0
    assert "libsqlite3" in [row["name"] for row in told["subsystems"]]


def test_a_folder_is_added(ragged, tmp_path):
    (tmp_path / "documents").mkdir()
    for i in range(20):
        (tmp_path / "documents" / ("%d.txt" % i)).write_text(SENTENCE * (i + 1))
    stdout, told = profiled(ragged, "add", tmp_path / "documents")
    assert stdout.startswith("20 added")
    assert told["resident"]["child_peak_bytes"] > 0 and told["heap"]["current_blocks"] == 0
    assert {"store", "libsqlite3", "lexical", "nn"} <= {row["name"] for row in told["subsystems"]}
    assert len(entries(ragged.json("list"))) == 20


def test_what_stands_before_the_command_reaches_it(ragged, tmp_path, texts):
    done = ragged.run("--data-dir", tmp_path / "other", "profile-memory", "-q", "add", texts)
    assert (tmp_path / "other" / "ragged.db").exists() and "still held at the end: 0 blocks" in done.stderr


def test_a_failure_is_the_commands(ragged, tmp_path):
    done = ragged.run("profile-memory", "add", tmp_path / "nothing", code=1)
    assert "nothing" in done.stderr and "still held at the end: 0 blocks" in done.stderr
    assert "unknown option" in ragged.run("profile-memory", "embed", "--nonsense", code=2).stderr


def test_only_commands_are_profiled(ragged):
    assert "unknown command" in ragged.run("profile-memory", "ad", "x", code=2).stderr
    assert "can not be profiled" in ragged.run("profile-memory", "profile-memory", "add", code=2).stderr
    assert "wants a command" in ragged.run("profile-memory", code=2).stderr
