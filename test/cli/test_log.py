"""The log: lines for people and machines, and nothing of a document, a question, a path or a key in them."""
import json
import os
import re
import subprocess

import pytest

from journal import journal_of

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


def test_files_that_fail_and_work_on_the_index_are_lines(ragged, notes):
    ragged.run("add", notes, "--log-format", "json", "--log-level", "debug", code=3)
    lines = [json.loads(line) for line in log_of(ragged).read_text().splitlines()]
    failed, = [line for line in lines if line["event"] == "file_failed"]
    assert (failed["level"], failed["status"], failed["bytes"]) == ("warn", "format", 17)
    assert [line["took_us"] >= 0 for line in lines if line["event"] == "maintained"]


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


def journal_lines(ragged, *words, stream=None, **environment):
    """What a unit of systemd writes: its standard error is what JOURNAL_STREAM names."""
    reader, writer = os.pipe()
    there = os.fstat(writer)
    env = {"JOURNAL_STREAM": stream or "%d:%d" % (there.st_dev, there.st_ino), **environment}
    done = subprocess.run(ragged.command(*words), env=ragged.with_environment(env), stdout=subprocess.PIPE, stderr=writer, timeout=60)
    os.close(writer)
    with open(reader) as lines:
        return done.returncode, lines.read().splitlines()


def test_a_unit_logs_to_the_journal(ragged, notes):
    ragged.run("add", notes, code=3)
    code, lines = journal_lines(ragged, "search", "--mode", "lexical", "text", RAGGED_LOG_LEVEL="debug")
    assert code == 0
    assert [re.match(r"<\d>(\w+) run=[0-9a-f]{16} ", line).group(1) for line in lines] == ["run_started", "searched", "run_ended"]
    assert [line[:3] for line in lines] == ["<7>", "<6>", "<6>"]
    assert "mode=lexical" in lines[1] and not re.search(r"\d\d:\d\d:\d\d|info|debug", "".join(lines))
    kept = [line.split(" ", 2)[2].strip() for line in log_of(ragged).read_text().splitlines()[-3:]]
    assert [line[3:] for line in lines] == kept  # the file has them too: health and pages look back with it


def test_the_journal_gets_json_where_that_is_set(ragged, notes):
    _, lines = journal_lines(ragged, "search", "text", RAGGED_LOG_FORMAT="json")
    ended = json.loads(lines[-1].removeprefix("<6>"))
    assert ended["event"] == "run_ended" and ended["exit_code"] == 0 and not {"ts", "level"} & set(ended)


def test_the_journal_is_written_where_the_file_cannot_be(ragged, notes):
    where = os.path.join(os.fspath(notes), "nowhere", "file")
    _, lines = journal_lines(ragged, "search", "text", RAGGED_LOG_FILE=where)
    assert any(line.startswith("<6>run_ended ") for line in lines)


@pytest.mark.parametrize("stream", ["1:2", "nonsense", "8:", " "])
def test_who_only_inherits_the_journal_of_others_writes_nothing_to_it(ragged, notes, stream):
    ragged.run("add", notes, code=3)
    assert journal_lines(ragged, "search", "text", stream=stream) == (0, [])


def test_a_real_journal_keeps_what_a_unit_logs(ragged, notes):
    ragged.run("add", notes, code=3)
    entries = journal_of(ragged, "search", "--mode", "lexical", "text")
    logged = [(entry["PRIORITY"], entry["MESSAGE"].split()[0]) for entry in entries if "run=" in entry["MESSAGE"]]
    assert logged == [("6", "searched"), ("6", "run_ended")]
    # A program that has ended before the journal looks has no name there.
    assert {entry.get("_COMM", "ragged") for entry in entries if "run=" in entry["MESSAGE"]} == {"ragged"}
    assert not any(CANARY in json.dumps(entry["MESSAGE"]) for entry in entries if "run=" in entry["MESSAGE"])


def test_an_error_has_its_priority(ragged, notes):
    ragged.run("add", notes, code=3)
    database = ragged.data / "ragged.db"
    for name in ("ragged.db-wal", "ragged.db-shm"):
        (ragged.data / name).unlink(missing_ok=True)
    database.write_bytes(os.urandom(8192))
    code, lines = journal_lines(ragged, "search", "text")
    assert code != 0 and any(line.startswith("<3>search_failed ") for line in lines), lines


def test_the_log_is_turned_over(ragged, notes):
    ragged.run("add", notes, code=3)
    log = log_of(ragged)
    log.write_text("x" * 79 + "\n" * 1)
    with open(log, "ab") as file:
        file.truncate(11 << 20)
    ragged.run("search", "text")
    assert log.stat().st_size < 1000 and log.with_name("ragged.log.1").stat().st_size > 10 << 20
