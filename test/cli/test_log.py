"""The log: lines for people and machines, and nothing of a document, a question, a path or a key in them."""
import json
import os

import pytest

CANARY = "zanzibar"


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / ("%s-folder" % CANARY)
    folder.mkdir()
    (folder / ("%s.md" % CANARY)).write_text("# %s heading\n\nThe %s text of the document.\n" % (CANARY, CANARY))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 " + CANARY.encode())
    return folder


def log_of(ragged):
    return ragged.folder / "state" / "ragged" / "ragged.log"


def test_each_run_is_a_line(ragged, notes):
    ragged.run("add", notes, "--log-format", "json", code=3)
    ragged.run("search", "--mode", "lexical", "text", "--log-format", "json")
    lines = [json.loads(line) for line in log_of(ragged).read_text().splitlines()]
    ended = [line for line in lines if line["event"] == "run_ended"]
    assert [(line["command"], line["exit_code"]) for line in ended] == [("add", 3), ("search", 0)]
    assert len({line["run"] for line in lines}) == 2
    searched = [line for line in lines if line["event"] == "searched"][0]
    assert searched["mode"] == "lexical" and searched["count"] == 1 and searched["took_us"] > 0
    assert log_of(ragged).stat().st_mode & 0o777 == 0o600


def test_nothing_private_is_in_it(ragged, notes):
    secret = {"RAGGED_OPENAI_KEY": CANARY, "RAGGED_OPENAI_URL": "http://127.0.0.1:9/%s" % CANARY,
              "RAGGED_LOG_LEVEL": "debug"}
    ragged.run("add", notes, env=secret, code=3)
    for words in (("search", CANARY), ("query", CANARY + "?"), ("list",), ("status", "--failed"), ("remove", notes)):
        ragged.run(*words, env=secret)
    ragged.try_run("query", "--generator", "openai", CANARY, env=secret)
    text = log_of(ragged).read_text()
    assert text.count("run_ended") == 7
    assert CANARY not in text.lower()


def test_levels(ragged, notes):
    ragged.run("add", notes, "--log-level", "off", code=3)
    assert not log_of(ragged).exists()
    ragged.run("search", "text", "--log-level", "error")
    assert log_of(ragged).read_text() == ""


def test_a_log_that_cannot_be_written_does_not_stop_the_work(ragged, notes):
    ragged.run("add", notes, code=3)
    where = {"RAGGED_LOG_FILE": os.path.join(os.fspath(notes), "nowhere", "file")}
    done = ragged.run("search", "text", env=where)
    assert done.stderr == ""
    assert "nothing is logged" in ragged.run("search", "text", "--verbose", env=where).stderr


def test_the_log_is_turned_over(ragged, notes):
    ragged.run("add", notes, code=3)
    log = log_of(ragged)
    log.write_text("x" * 79 + "\n" * 1)
    with open(log, "ab") as file:
        file.truncate(11 << 20)
    ragged.run("search", "text")
    assert log.stat().st_size < 1000 and log.with_name("ragged.log.1").stat().st_size > 10 << 20
