"""What a shell sees: exit codes, streams, and sentences that name the way out."""

import json
import re
import os
import pty
import signal
import subprocess
import time

import pytest

from driver import DOCUMENTS

READERS = [("list",), ("status",), ("search", "word"), ("query", "what is it?"), ("check",),
           ("config", "show"), ("config", "get", "threads"), ("config", "path"), ("model", "list"),
           ("version",), ("help",)]


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_every_reader_speaks_json_about_an_empty_library(ragged, words):
    answer = ragged.json(*words)
    assert answer["schema_version"] == 1 and answer["warnings"] == []


@pytest.mark.parametrize("words", READERS[:5], ids=" ".join)
def test_reading_makes_no_library(ragged, words):
    ragged.run(*words)
    assert not ragged.data.exists()


@pytest.mark.parametrize("words, named", [
    (("lst",), "list"),
    (("list", "--fialed"), "--failed"),
    (("list", "-z"), "--failed"),
    (("query", "--format", "csv", "x"), "markdown"),
    (("config", "got", "threads"), "get"),
    (("config", "set", "thread", "1"), "threads"),
    (("config", "set", "generator", "olama"), "ollama"),
    (("config", "set", "threads", "-1"), "0..1024"),
    (("model", "push"), "pull"),
    (("search", "--mode", "both", "x"), "hybrid"),
    (("search", "--min-score", "2", "x"), "0..1"),
    (("search",), "usage"),
    (("search", "  "), "empty"),
    (("add",), "usage"),
    (("config", "set", "threads"), "usage"),
    (("help", "serach"), "search"),
    (("clear",), "--yes"),
    (("list", "--format"), "FORMAT"),
    (("list", "--json=1"), "no value"),
])
def test_wrong_usage_is_2_and_names_what_would_be_right(ragged, words, named):
    done = ragged.run(*words, code=2)
    assert named in done.stderr
    assert not done.stdout


def test_wrong_environment_is_named(ragged):
    done = ragged.run("list", code=2, env={"RAGGED_THREADS": "many"})
    assert "RAGGED_THREADS" in done.stderr and "many" in done.stderr


def test_options_stand_on_both_sides(library):
    assert library.run("--format", "files", "list").stdout == \
        library.run("list", "--format", "files").stdout != ""


def test_formats_carry_the_same_documents(library):
    listed = [item["file"] for item in library.json("list")["documents"]]
    assert library.run("list", "--format", "files").stdout.splitlines() == listed
    lines = library.run("list", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["file"] for line in lines] == listed
    csv = library.run("list", "--format", "csv").stdout.splitlines()
    assert csv[0].startswith("file,title,kind,pages,chunks,size,state,error")
    assert [line.split(",")[0] for line in csv[1:]] == listed
    for form in ("text", "table", "markdown", "yaml"):
        shown = library.run("list", "--format", form).stdout
        assert all(path in shown for path in listed)


def test_question_from_standard_input(library):
    done = subprocess.run(library.command("search", "--json", "-"), env=library.environment,
                          input="tomato", capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["query"] == "tomato"


def test_one_bad_file_is_3_and_the_rest_is_there(ragged, documents):
    (documents / "bad.pdf").write_bytes(b"%PDF-1.4\nnothing of the kind")
    done = ragged.run("add", "--json", documents, code=3)
    summary = json.loads(done.stdout)
    assert summary["failed"] == 1 and summary["added"] == 5
    assert summary["failures"][0]["file"].endswith("bad.pdf") and summary["failures"][0]["reason"]
    assert "bad.pdf" in done.stderr
    again = ragged.json("status", "--failed")
    assert again["n_failed"] == 1 and again["documents"][0]["error"]


def test_progress_lines_are_json_and_never_in_pipes_unasked(ragged, documents):
    done = ragged.run("add", "--progress", "json", documents)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["result"] for event in events if event["event"] == "file"] == ["added"] * 5
    done_bytes = [event["bytes_done"] for event in events if event["event"] == "progress"]
    assert done_bytes == sorted(done_bytes)
    assert all(event["bytes_done"] <= event["bytes_total"] for event in events if event["event"] == "progress")
    assert ragged.run("add", documents).stderr == ""


def test_nothing_to_remove_is_1(library, documents, tmp_path):
    assert "nowhere" in library.run("remove", tmp_path / "nowhere.txt", code=1).stderr
    pattern = documents / "*.txt"
    listed = library.run("remove", "--dry-run", pattern).stdout
    assert "letter.txt" in listed
    assert library.json("remove", pattern)["removed"] == len(listed.splitlines())
    assert "letter.txt" not in library.run("list").stdout


@pytest.mark.parametrize("glob", ["handbook/*", "*.md", "watering.md", "handbook/water*.md",
                                  "documents/*.md", "{documents}/handbook/*"])
def test_a_glob_is_of_the_whole_path_or_of_its_last_parts(library, documents, glob):
    glob = glob.format(documents=documents)
    files = [hit["file"] for hit in library.search("watering the tomatoes", "--path", glob)]
    assert str(documents / "handbook" / "watering.md") in files
    assert str(documents / "letter.txt") not in files
    assert set(files) <= {entry["file"] for entry in library.json("list", glob)["documents"]}


def test_remove_takes_a_name_with_brackets_as_the_name(ragged, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("note[1].txt", "note1.txt"):
        (notes / name).write_text("This is %s.\n" % name)
    ragged.run("add", notes)
    assert ragged.json("remove", notes / "note[1].txt")["removed"] == 1
    assert "note1.txt" in ragged.run("list").stdout
    assert ragged.json("remove", notes / "note[12].txt")["removed"] == 1


def test_remove_goes_on_behind_a_name_that_is_not_there(library, documents):
    done = library.run("remove", "--json", "nowhere.txt", documents / "letter.txt", "neither.txt", code=1)
    assert json.loads(done.stdout)["removed"] == 1
    assert "nowhere.txt" in done.stderr and "neither.txt" in done.stderr
    assert "letter.txt" not in library.run("list").stdout


def test_clear_asks_on_a_terminal(library):
    leader, follower = pty.openpty()
    process = subprocess.Popen(library.command("clear"), env=library.environment, stdin=follower,
                               stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    os.write(leader, b"no\n")
    assert process.wait(60) == 1
    os.close(leader)
    assert library.json("status")["n_documents"] == 5
    assert library.json("clear", "--dry-run")["removed"] == 5
    assert library.json("clear", "--yes")["removed"] == 5
    assert library.json("status")["n_documents"] == 0


def test_full_disk_on_stdout_is_an_error(library):
    with open("/dev/full", "w") as full:
        done = subprocess.run(library.command("list"), env=library.environment, stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "No space left" in done.stderr


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_and_keep_what_is_done(ragged, tmp_path, number, code):
    for i in range(4000):
        (tmp_path / ("note%04d.txt" % i)).write_text("The note %d tells of rivers. " % i * 40)
    process = ragged.start("add", tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    process.send_signal(number)
    started = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode == code
    assert time.monotonic() - started < 10
    ragged.check()


def test_quiet_is_quiet(ragged):
    assert ragged.run("add", "-q", DOCUMENTS).stderr == ""
    assert ragged.run("query", "--quiet", "who?").stderr == ""


def test_evaluation_keeps_its_index_only_where_told(ragged, tmp_path):
    (tmp_path / "set" / "qrels").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    rows = [{"_id": "a", "title": "Tea", "text": "Green tea is steeped at eighty degrees."},
            {"_id": "b", "title": "Iron", "text": "Iron rusts in damp air."}]
    (tmp_path / "set" / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "set" / "queries.jsonl").write_text('{"_id":"q","text":"how hot is green tea"}\n')
    (tmp_path / "set" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\n")
    scratch = {"TMPDIR": tmp_path / "scratch"}
    runs = ragged.json("eval", tmp_path / "set", env=scratch)["runs"]
    assert [run["mode"] for run in runs] == ["hybrid", "lexical", "vector"]
    assert all(run["ndcg_10"] == 1 and run["queries"] == 1 for run in runs)
    assert not list((tmp_path / "scratch").iterdir()) and not ragged.data.exists()
    ragged.run("eval", "--mode", "lexical", "--data-dir", tmp_path / "kept", tmp_path / "set")
    assert list((tmp_path / "kept").iterdir())


def test_unknown_collection_names_all_there_are(ragged, tmp_path):
    for file, name in (("a.txt", "notes-old"), ("b.txt", "notes")):
        (tmp_path / file).write_text("Water the %s.\n" % name)
        ragged.run("add", "-c", name, tmp_path / file)
    done = ragged.run("search", "-c", "nots", "water", code=1)
    assert "collections: notes, notes-old" in done.stderr


def test_explained_parts_add_up_to_the_score(ragged, documents):
    ragged.run("add", documents)
    shown = ragged.run("search", "--explain", "-n", "20", "spider mites on the tomato plants").stdout
    scores = [float(score) for score in re.findall(r"(?m)^ *\d+  (\d\.\d+)  /", shown)]
    parts = [float(part) for part in re.findall(r"part (\d\.\d+)", shown)]
    assert scores and len(parts) == 2 * len(scores)
    for i, score in enumerate(scores):
        assert abs(parts[2 * i] + parts[2 * i + 1] - score) < 0.0002


def test_words_of_another_language_are_not_searched_silently(library):
    german = {"RAGGED_LANGUAGE": "german"}
    found = library.json("search", "spider mites", env=german)
    assert found["mode"] == "vector" and "english" in found["warnings"][0]
    done = library.run("search", "--mode", "lexical", "spider mites", code=2, env=german)
    assert "english" in done.stderr and "language" in done.stderr
