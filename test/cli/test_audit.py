"""The audit trail, checked by a reader of its own: nothing here asks the program whether a hash is right."""

import getpass
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import time

import pytest

from corpus import write_corpus
from database import change
from driver import is_sanitized
from old_library import make_old

ZEROS = "0" * 64
ADD = ("add", "-q", "--defer-vectors")


def fields(what, pairs):
    """The bytes that are hashed: docs/design/audit.md."""
    parts = (str(value).encode() for _, value in pairs)
    return b"ragged %s 1\n" % what + b"".join(
        b"%s:%d:%s\n" % (name.encode(), len(value), value) for (name, _), value in zip(pairs, parts))


def link_of(row):
    return hashlib.sha256(fields(b"audit", [pair for pair in row.items() if pair[0] != "link"])).hexdigest()


def state_of(data):
    """The sum over the documents as they are stored."""
    total = 0
    with sqlite3.connect(data / "ragged.db") as database:
        rows = database.execute("SELECT id, path, collection, hash, state, n_chunks FROM documents").fetchall()
    database.close()
    for number, path, collection, digest, state, passages in rows:
        term = fields(b"document", [("id", number), ("path", hashlib.sha256(path).hexdigest()),
                                    ("collection", collection), ("hash", digest), ("state", state),
                                    ("passages", passages)])
        total += int.from_bytes(hashlib.sha256(term).digest(), "big")
    return "%064x" % (total % 2 ** 256)


def trail(ragged):
    return [json.loads(line) for line in ragged.run("audit", "export").stdout.splitlines()]


def verified(ragged):
    """The rows, after the whole chain was followed here and by the program."""
    rows = trail(ragged)
    previous, generation, state = ZEROS, rows[0]["generation_before"], rows[0]["state_before"]
    for number, row in enumerate(rows, 1):
        assert row["sequence"] == number
        assert row["previous"] == previous
        assert row["link"] == link_of(row)
        assert row["generation_before"] == generation and row["state_before"] == state
        assert row["generation_after"] - generation in (0, 1)
        previous, generation, state = row["link"], row["generation_after"], row["state_after"]
    assert generation == ragged.json("status")["generation"]
    assert state == state_of(ragged.data)
    said = ragged.json("audit", "verify")
    assert said["sound"] and said["rows"] == len(rows) and said["link"] == previous
    ragged.check()
    return rows


def total(rows, command, name):
    return sum(row[name] for row in rows if row["command"] == command)


def test_every_change_is_in_it(ragged, documents):
    ragged.run("add", documents, "-c", "papers")
    n = ragged.json("status")
    rows = verified(ragged)
    assert [rows[0]["command"], rows[0]["generation_after"]] == ["create", 0]
    assert {row["command"] for row in rows[1:]} == {"add"} and len({row["run"] for row in rows[1:]}) == 1
    assert total(rows, "add", "documents_added") == n["n_documents"]
    assert total(rows, "add", "passages_added") == n["n_chunks"] == total(rows, "add", "vectors_added")
    assert {row["user"] for row in rows} == {getpass.getuser()} and {row["uid"] for row in rows} == {os.geteuid()}
    (documents / "letter.txt").write_text("Something else was written here.\n")
    (documents / "damaged.pdf").write_bytes(b"%PDF-1.7 and no more")
    ragged.run("add", documents, "-c", "papers", code=3)
    ragged.run("remove", documents / "letter.txt")
    ragged.run("config", "set", "llm_model", "a-model-nobody-has")
    ragged.run("feature-flags", "disable", "query_caching", "-c", "papers")
    ragged.run("reindex")
    ragged.run("compact")
    ragged.run("clear", "--yes")
    rows = verified(ragged)
    assert total(rows, "add", "documents_updated") == 1 and total(rows, "add", "documents_failed") == 1
    assert total(rows, "remove", "documents_removed") == 1
    assert total(rows, "clear", "documents_removed") == n["n_documents"]
    assert rows[-1]["command"] == "clear" and rows[-1]["state_after"] == ZEROS
    assert {"reindex", "compact"} <= {row["command"] for row in rows}
    settings = [row for row in rows if row["keys"]]
    assert [row["keys"] for row in settings] == ["llm_model", "feature_flags.query_caching"]
    assert settings[0]["file_before"] == "" and settings[0]["file_after"] == settings[1]["file_before"]
    config = ragged.folder / "config" / "ragged" / "config.yaml"
    assert settings[1]["file_after"] == hashlib.sha256(config.read_bytes()).hexdigest()
    assert settings[1]["collection"] == "papers"


def test_nothing_of_a_document_is_in_it(ragged, documents):
    ragged.run("add", documents)
    ragged.run("search", "where are the seeds stored")
    ragged.run("config", "set", "openai_key", "sk-very-secret")
    ragged.run("remove", documents / "letter.txt")
    said = ragged.run("audit", "export").stdout + ragged.run("audit", "list", "--all", "--json").stdout
    names = [path.name for path in documents.rglob("*")] + [str(documents), str(ragged.folder)]
    for word in ("sk-very-secret", "seeds", *names):
        assert word not in said


def test_a_run_that_changes_nothing_leaves_no_row(ragged, documents):
    ragged.run(*ADD, documents)
    n = len(trail(ragged))
    ragged.run(*ADD, documents)
    ragged.run("remove", "--dry-run", documents)
    ragged.run("remove", documents / "none.txt", code=1)
    ragged.run("search", "harbour")
    ragged.run("config", "set", "threads", "2")
    ragged.run("config", "set", "threads", "2")
    assert len(trail(ragged)) == n + 1


def test_settings_without_a_library_or_with_a_broken_one(ragged):
    done = ragged.run("config", "set", "threads", "2")
    assert "audit" not in done.stderr and not ragged.data.exists()
    ragged.data.mkdir()
    (ragged.data / "ragged.db").write_bytes(b"no database, but long enough to look like one " * 100)
    done = ragged.run("-q", "config", "set", "threads", "3")
    assert "not in the audit trail" in done.stderr
    assert ragged.run("config", "get", "threads").stdout == "3\n"
    done = ragged.run("-q", "feature-flags", "disable", "query_caching")
    assert "not in the audit trail" in done.stderr


def test_no_library_has_no_trail(ragged):
    assert ragged.json("audit", "list")["entries"] == []
    assert ragged.run("audit", "export").stdout == ""
    assert "no library" in ragged.run("audit", "verify", code=1).stderr
    assert not ragged.data.exists()


def test_list_chooses(ragged, documents):
    ragged.run(*ADD, documents / "letter.txt", "-c", "letters")
    ragged.run(*ADD, documents / "handbook", "-c", "books")
    ragged.run("remove", documents / "letter.txt")
    entries = ragged.json("audit", "list")["entries"]
    assert [entry["command"] for entry in entries] == ["remove", "add", "add", "create"]
    assert [entry["collection"] for entry in entries] == ["letters", "books", "letters", ""]
    assert sum(entry["rows"] for entry in entries) == len(trail(ragged))
    assert entries[0]["state_before"] == entries[1]["state_after"]
    every = ragged.json("audit", "list", "--all", "-n", "1000")["entries"]
    assert [entry["sequence"] for entry in every] == list(range(len(every), 0, -1))
    assert len(ragged.json("audit", "list", "-n", "2")["entries"]) == 2
    found = ragged.json("audit", "list", "-c", "letters")["entries"]
    assert [entry["command"] for entry in found] == ["remove", "add"]
    assert ragged.json("audit", "list", "--since", "2999")["entries"] == []
    assert len(ragged.json("audit", "list", "--since", "2020-01")["entries"]) == 4
    assert "date" in ragged.run("audit", "list", "--since", "soon", code=2).stderr
    text = ragged.run("audit", "list").stdout
    assert len(text.splitlines()) == 4 and "-1 documents" in text and "in letters" in text


def test_export_into_a_file(ragged, documents, tmp_path):
    ragged.run(*ADD, documents)
    path = tmp_path / "trail.jsonl"
    ragged.run("audit", "export", path)
    assert path.read_text() == ragged.run("audit", "export", "-").stdout != ""
    assert path.stat().st_mode & 0o777 == 0o600
    ragged.run("audit", "export", tmp_path / "none" / "trail.jsonl", code=1)


def flipped(data, sequence, at):
    """A statement that changes one byte of a row."""
    with sqlite3.connect(data / "ragged.db") as database:
        row = bytearray(database.execute("SELECT row FROM audit WHERE sequence = ?", (sequence,)).fetchone()[0])
    database.close()
    row[at] ^= 1
    return "UPDATE audit SET row = x'%s' WHERE sequence = %d" % (row.hex(), sequence)


@pytest.mark.parametrize("tamper, row", [
    (lambda data: flipped(data, 3, 0), 3),
    (lambda data: flipped(data, 2, -1), 2),
    (lambda data: "UPDATE audit SET run = run + 1 WHERE sequence = 2", 2),
    (lambda data: "DELETE FROM audit WHERE sequence = 2", 3),
    (lambda data: "DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)", None),
    (lambda data: "UPDATE documents SET hash = 'ab' || substr(hash, 3)", None),
])
def test_what_was_tampered_with_is_named(ragged, documents, tamper, row):
    ragged.run(*ADD, documents)
    verified(ragged)
    change(ragged.data, tamper(ragged.data))
    said = ragged.json("audit", "verify", code=5)
    assert not said["sound"] and said["broken_row"] == row and said["problem"]
    assert "broken" in ragged.run("audit", "verify", code=5).stdout
    assert "audit trail" in ragged.run("check", code=5).stdout
    (documents / "more.txt").write_text("More of it.\n")
    ragged.run(*ADD, documents)  # it goes on, and mends nothing
    ragged.run("audit", "verify", code=5)


def test_a_library_that_was_put_back_is_told_by_a_link(ragged, documents, tmp_path):
    ragged.run(*ADD, documents)
    shutil.copytree(ragged.data, tmp_path / "backup")
    before = ragged.json("audit", "verify")["link"]
    ragged.run("remove", documents / "letter.txt")
    noted = ragged.json("audit", "verify", "--link", before)["link"]
    ragged.run("audit", "verify", "--link", noted.upper())
    shutil.rmtree(ragged.data)
    shutil.copytree(tmp_path / "backup", ragged.data)
    verified(ragged)
    assert "no row has the given link" in ragged.run("audit", "verify", "--link", noted, code=5).stdout
    assert "64" in ragged.run("audit", "verify", "--link", "abc", code=2).stderr


def test_killed_while_it_writes(ragged, tmp_path):
    dice = random.Random(20261129)
    n_rows = 0
    for life in range(4 if is_sanitized() else 10):
        write_corpus(tmp_path / "notes", 30, seed=life, n_sentences=6)
        process = ragged.start(*ADD, tmp_path / "notes")
        time.sleep(dice.uniform(0.005, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        rows = trail(ragged)
        assert len(rows) >= n_rows
        n_rows = len(rows)
        if rows:  # else the kill came before there was a library
            verified_after_kill(ragged, rows)
    ragged.run(*ADD, tmp_path / "notes")
    assert len(verified(ragged)) > 1


def verified_after_kill(ragged, rows):
    assert [row["link"] for row in rows] == [link_of(row) for row in rows]
    assert ragged.json("audit", "verify")["link"] == rows[-1]["link"]


def test_writers_at_the_same_time(ragged, tmp_path):
    for i in range(4):
        write_corpus(tmp_path / ("notes-%d" % i), 25, seed=100 + i, n_sentences=4)
    ragged.run(*ADD, tmp_path / "notes-0")
    processes = [ragged.start(*ADD, tmp_path / ("notes-%d" % i), "-c", "c%d" % i) for i in range(1, 4)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    rows = verified(ragged)
    runs = {}
    for row in rows:
        if row["documents_added"]:
            runs.setdefault(row["run"], set()).add(row["collection"])
    assert sorted(map(sorted, runs.values())) == [["c1"], ["c2"], ["c3"], ["default"]]
    assert total(rows, "add", "documents_added") == ragged.json("status")["n_documents"]


def test_an_old_library_gets_one(ragged, documents):
    ragged.run("add", documents)
    make_old(ragged.data)
    rows = trail(ragged)
    assert [row["command"] for row in rows] == ["migrate"]
    assert rows[0]["state_after"] == rows[0]["state_before"] != ZEROS
    verified(ragged)
    ragged.run("remove", documents / "letter.txt")
    assert verified(ragged)[1]["command"] == "remove"


def test_a_file_in_parts(ragged, tmp_path):
    path = tmp_path / "large.log"
    path.write_text("".join("line %d of the long log of the harbour master\n" % i for i in range(4000)))
    ragged.run(*ADD, path, env={"RAGGED_PART_SIZE_KB": 4})
    rows = verified(ragged)
    assert total(rows, "add", "documents_added") == 1
    assert total(rows, "add", "passages_added") == ragged.json("status")["n_chunks"]
    ragged.run("remove", path)
    assert total(verified(ragged), "remove", "passages_removed") == total(rows, "add", "passages_added")
