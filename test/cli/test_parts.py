"""Files of lines that are too large to be read as one: every line is found in its place, and neither a stop nor a
change of the file on the way leaves anything that is wrong."""

import hashlib
import os
import random
import signal
import time

import pytest

import database
from corpus import WORDS
from driver import Ragged, entries, is_fault_build, is_sanitized

SEED = 20261124
PART_KB = 32
PARTS = {"RAGGED_PART_SIZE_KB": PART_KB}
WHOLE = {"RAGGED_PART_SIZE_KB": 65536}
N_KILLS = int(os.environ.get("RAGGED_KILLS", "4" if is_sanitized() else "12"))


def write_lines(path, n_bytes, seed=SEED, encoding="utf-8", mark=b""):
    """Each line has a word of its own, "Line<i>"; one in ten is blank."""
    dice = random.Random(seed)
    size = i = 0
    with open(path, "wb") as file:
        size += file.write(mark)
        while size < n_bytes:
            i += 1
            line = "" if dice.random() < 0.1 else "Line%d %s\u00e9." % (
                i, " ".join(dice.choices(WORDS, k=dice.randrange(3, 14))))
            size += file.write((line + "\n").encode(encoding))
    return i


def query(ragged, sql):
    return database.read(ragged.data, sql)


def ids_of(ragged, path):
    return [id_ for id_, in query(ragged, "SELECT c.id FROM chunks c JOIN documents d ON d.id = c.doc_id WHERE "
                                          "d.path = CAST('%s' AS BLOB) ORDER BY ord" % path)]


def passages(ragged):
    return query(ragged, "SELECT d.path, d.state, ord, line, line_end, byte_start, byte_end, heading, text "
                         "FROM chunks c JOIN documents d ON d.id = c.doc_id ORDER BY d.path, ord")


def add(ragged, *words, env=PARTS, code=0):
    return ragged.json("add", "--defer-vectors", *words, env=env, code=code)


def state_of(ragged, path):
    return {item["file"]: item["state"] for item in entries(ragged.json("list"))}.get(str(path))


def assert_in_place(rows, source, slack=0):
    """Each line stands in a passage that says so; one behind it may repeat it."""
    lines, at = source.split("\n"), {}
    for row in rows:
        for word in row[8].split():
            at.setdefault(word, row)
    for number, line in enumerate(lines, 1):
        if line:
            _, _, _, first, last, *_ = at[line.split()[0]]
            assert first <= number <= last + slack, line
    assert [row[2] for row in rows] == list(range(len(rows)))
    assert all(a[5] < b[5] and a[5] < a[6] for a, b in zip(rows, rows[1:]))


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "big.log"
    write_lines(path, 3_000_000)
    return path


def test_the_parts_are_the_file(ragged, tmp_path, big):
    whole = Ragged(tmp_path / "whole")
    assert add(ragged, big)["added"] == 1
    add(whole, big, env=WHOLE)
    document, = query(ragged, "SELECT state, hash, n_parts, size FROM documents")
    assert document == (0, hashlib.sha256(big.read_bytes()).hexdigest(), 92, big.stat().st_size)
    rows, single = passages(ragged), passages(whole)
    assert_in_place(rows, big.read_text())
    for line in ("line1", "line9999", "line%d" % single[-1][4]):
        hit, = ragged.search(line, "--mode", "lexical", "-k", "1")
        twin, = whole.search(line, "--mode", "lexical", "-k", "1")
        assert hit["line_start"] <= int(line[4:]) <= hit["line_end"]
        assert twin["line_start"] <= int(line[4:]) <= twin["line_end"]

    def text_of(passages_of_one):
        return [line for row in passages_of_one for line in row[8].split("\n") if line]
    assert text_of(rows) == text_of(single)
    assert query(ragged, "SELECT sum(line_end - line) > 0, max(line_end) FROM chunks") == \
        query(whole, "SELECT sum(line_end - line) > 0, max(line_end) FROM chunks")
    ragged.check()
    ragged.run("compact")
    ragged.check()
    assert add(ragged, big)["unchanged"] == 1
    os.utime(big, (1, 1))
    assert add(ragged, big)["unchanged"] == 1
    assert passages(ragged) == rows
    ragged.run("remove", big, "--yes")
    ragged.check()
    assert passages(ragged) == []


def test_prose_and_the_vectors_of_parts(ragged, tmp_path):
    path = tmp_path / "book.txt"
    write_lines(path, 70_000)
    added = ragged.json("add", path, env={"RAGGED_PART_SIZE_KB": 4})
    assert added["added"] == 1 and added["vectors_computed"] + added["vectors_reused"] == added["chunks"]
    assert_in_place(passages(ragged), path.read_text(), slack=60)  # paragraphs are in one piece
    assert ragged.json("status")["n_missing_vectors"] == 0
    assert query(ragged, "SELECT n_parts FROM documents") == [(18,)]
    ragged.check()


@pytest.mark.parametrize("encoding, mark", [
    ("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"),
    ("utf-32-le", b"\xff\xfe\0\0"), ("cp1252", b"")])
def test_every_encoding(ragged, tmp_path, encoding, mark):
    path = tmp_path / "big.log"
    write_lines(path, 600_000, encoding=encoding, mark=mark)
    add(ragged, path)
    rows = passages(ragged)
    assert_in_place(rows, path.read_bytes()[len(mark):].decode(encoding))
    assert query(ragged, "SELECT n_parts FROM documents") == [(19,)]
    assert not any("\ufffd" in row[8] or "\ufeff" in row[8] for row in rows)
    assert all("\u00e9." in row[8] for row in rows)


def test_lines_that_are_too_long_are_cut_between_words(ragged, tmp_path):
    path = tmp_path / "one.log"
    words = ["word%d" % i for i in range(90_000)]
    path.write_text(" ".join(words))
    add(ragged, path)
    assert query(ragged, "SELECT n_parts FROM documents")[0][0] > 16
    assert " ".join(row[8] for row in passages(ragged)).split() == words
    assert {(row[3], row[4]) for row in passages(ragged)} == {(1, 1)}
    path.write_text("\u20ac" * 300_000)  # one word
    add(ragged, path)
    assert "".join("".join(row[8].split()) for row in passages(ragged)) == "\u20ac" * 300_000
    ragged.check()


def test_what_is_not_of_lines_is_read_as_before(ragged, tmp_path):
    page, junk, blank, small = (tmp_path / name for name in
                                ("page.txt", "junk.txt", "blank.txt", "small.txt"))
    page.write_text("<!DOCTYPE html><p>%s</p>" % "</p><p>".join(["some words"] * 50_000))
    junk.write_bytes(bytes(range(256)) * 4000)
    blank.write_text("\n" * 600_000)
    small.write_text("one line\n" * 300_000)
    reasons = {report["file"]: report["error"] for report in
               entries_failed(ragged, add(ragged, page, junk, blank, small,
                                          env={**PARTS, "RAGGED_MAX_FILE_SIZE_MB": 1}, code=3))}
    assert list(reasons) == [str(blank), str(junk)]
    assert "binary" in reasons[str(junk)] and "no text" in reasons[str(blank)]
    kinds = {item["file"]: (item["kind"], item["chunks"] > 0) for item in entries(ragged.json("list"))}
    assert kinds[str(page)] == ("html", True) and kinds[str(small)] == ("text", True)
    ragged.check()


def entries_failed(ragged, added):
    assert added["failed"] == 2
    return sorted(entries(ragged.json("list", "--failed")), key=lambda item: item["file"])


def test_killed_it_goes_on_behind_what_is_there(ragged, tmp_path, big):
    others = tmp_path / "others"
    others.mkdir()
    for i in range(3):
        write_lines(others / ("%d.txt" % i), 5000, seed=i)
    whole = Ragged(tmp_path / "whole")
    started = time.monotonic()
    add(whole, big, others)
    took_s = time.monotonic() - started
    expected, source = passages(whole), big.read_text()
    dice = random.Random(SEED)
    n_partial = 0
    for i in range(N_KILLS):
        ragged.run("clear", "--yes")
        for _ in range(dice.randrange(1, 4)):
            process = ragged.start("add", "--defer-vectors", big, "--quiet", env=PARTS)
            time.sleep(dice.uniform(0.1, took_s))
            is_soft = dice.random() < 0.5
            process.send_signal(signal.SIGINT if is_soft else signal.SIGKILL)
            process.wait()
            ragged.check()
            kept = [row for row in passages(ragged) if row[0] == str(big).encode()]
            ids = ids_of(ragged, big)
            if kept and kept[0][1] == 2:
                n_partial += 1
                assert state_of(ragged, big) == "partial" and ragged.json("status")["n_partial"] == 1
                last_line = source.split("\n")[kept[-1][4] - 1].split()[0]
                hit, = ragged.search(last_line, "--mode", "lexical", "-k", "1")
                assert hit["line_start"] <= kept[-1][4] <= hit["line_end"]
            add(ragged, others)  # their ids lie between the parts
        add(ragged, big, others)
        assert passages(ragged) == expected, "after kill %d of seed %d" % (i, SEED)
        assert ids_of(ragged, big)[:len(ids)] == ids
        ragged.check()
    print("%d of %d left a part of the file" % (n_partial, N_KILLS))
    assert n_partial > 0 or is_sanitized()
    ragged.run("remove", big, "--yes")
    ragged.check()


@pytest.mark.skipif(not is_fault_build(), reason="needs a FAULT=1 build")
def test_killed_at_each_commit(ragged, tmp_path):
    path = tmp_path / "big.log"
    write_lines(path, 70_000)
    small = {"RAGGED_PART_SIZE_KB": 4}
    whole = Ragged(tmp_path / "whole")
    add(whole, path, env=small)
    expected, n_killed = passages(whole), 0
    for step in ("sqlite.sync", "sqlite.write"):
        for ordinal in range(1, 60, 1 if step == "sqlite.sync" else 7):
            ragged.run("clear", "--yes")
            done = ragged.try_run("add", "--defer-vectors", path,
                                  env={**small, "RAGGED_FAULT": "kill@%s:%d" % (step, ordinal)})
            n_killed += done.returncode == -9
            ragged.check()
            add(ragged, path, env=small)
            assert passages(ragged) == expected, "%s:%d" % (step, ordinal)
            ragged.check()
    assert n_killed > 10


def wait_for_part(ragged, path, process):
    while process.poll() is None:
        if ragged.data.exists() and (ragged.data / "ragged.db").exists() and state_of(ragged, path) == "partial":
            return True
        time.sleep(0.02)
    return False


def test_a_file_that_changes_while_it_is_read_is_not_in_the_library(ragged, tmp_path):
    path = tmp_path / "big.log"
    write_lines(path, 12_000_000)
    process = ragged.start("add", "--defer-vectors", path, "--quiet", env=PARTS)
    if not wait_for_part(ragged, path, process):
        pytest.skip("it was read too fast")
    with open(path, "a", encoding="utf-8") as file:
        file.write("and one more\n")
    assert process.wait() == 3
    item, = entries(ragged.json("list", "--failed"))
    assert "changed" in item["error"] and item["chunks"] == 0
    assert passages(ragged) == []
    ragged.check()
    add(ragged, path)
    assert state_of(ragged, path) == "ok"


def test_a_part_of_another_version_is_begun_anew(ragged, tmp_path, big):
    write_lines(big, 12_000_000)
    process = ragged.start("add", "--defer-vectors", big, "--quiet", env=PARTS)
    if not wait_for_part(ragged, big, process):
        pytest.skip("it was read too fast")
    process.kill()
    process.wait()
    write_lines(big, 2_000_000, seed=1)
    other = tmp_path / "copy"
    add(ragged, big)
    rows = passages(ragged)
    assert_in_place(rows, big.read_text())
    whole = Ragged(other)
    add(whole, big)
    assert passages(whole) == rows
    write_lines(big, 100_000, seed=2)  # small enough to be read as one
    assert add(ragged, big)["updated"] == 1
    assert_in_place(passages(ragged), big.read_text())
    assert query(ragged, "SELECT n_parts FROM documents") == [(0,)]
    ragged.check()


def test_two_at_once(ragged, tmp_path, big):
    processes = [ragged.start("add", "--defer-vectors", big, "--quiet", env=PARTS) for _ in range(2)]
    assert sorted(process.wait() for process in processes) in ([0, 0], [0, 3])
    assert_in_place(passages(ragged), big.read_text())
    ragged.check()


def test_a_large_document_goes_in_steps(ragged, tmp_path):
    path = tmp_path / "big.log"
    write_lines(path, 600_000)
    many = (path, "--chunk-tokens", "16")
    n_passages = add(ragged, *many)["chunks"]
    assert n_passages > 2 * 4096

    def generation():
        return ragged.json("status")["generation"]
    before = generation()
    write_lines(path, 500_000, seed=1)
    add(ragged, *many)
    assert_in_place(passages(ragged), path.read_text())
    ragged.check()
    path.write_text("short now\n")
    add(ragged, path)
    assert len(passages(ragged)) == 1 and generation() > before + 4
    ragged.check()
    write_lines(path, 600_000)
    add(ragged, *many)
    ragged.run("compact")
    before = generation()
    ragged.run("remove", path, "--yes")
    assert passages(ragged) == [] and generation() >= before + n_passages // 4096
    ragged.check()
    assert query(ragged, "SELECT count(*) FROM dead") in ([(0,)], [(1,)], [(2,)])
