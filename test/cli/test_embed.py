"""Lines in, vectors out: order, places, memory, and everything a pipe can do to a program."""

import json
import os
import pty
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from driver import ROOT, build_folder, is_sanitized

GOLDEN = ROOT / "test" / "golden"
DIM = 384
WITHOUT_ENCODER_KIB = 10 * 1024


def embed(ragged, text, *words, code=0, env=None):
    """Standard output, as bytes."""
    done = subprocess.run(ragged.command("embed", *words), input=text, capture_output=True,
                          env=ragged.with_environment(env), timeout=600)
    assert done.returncode == code, done.stderr.decode()
    return done


def rows(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def floats(data):
    return [list(row) for row in struct.iter_unpack("<%df" % DIM, data)]


def lines_of(n, words="the river rises in spring and the mill stands still"):
    return "".join("%d %s\n" % (i, words) for i in range(n)).encode()


def test_every_line_keeps_its_place(ragged):
    done = embed(ragged, b"a river\n\n \t\na mill\r\na road without an end")
    found = rows(done)
    assert [row["index"] for row in found] == [0, 1, 2, 3, 4]
    assert [row["embedding"] is None for row in found] == [False, True, True, False, False]
    assert [row["tokens"] for row in found] == [2, 0, 0, 2, 5]
    assert found[3]["embedding"] == rows(embed(ragged, b"a mill\n"))[0]["embedding"]
    assert not done.stderr and embed(ragged, b"").stdout == b""


def test_formats_carry_the_same_floats(ragged):
    text = b"a river\n\na mill\n" + lines_of(70)
    vectors = floats(embed(ragged, text, "--format", "f32").stdout)
    assert len(vectors) == 73 and vectors[1] == [0.0] * DIM
    for row, vector in zip(rows(embed(ragged, text)), vectors):
        assert floats(struct.pack("<%df" % DIM, *(row["embedding"] or vectors[1])))[0] == vector
    whole = json.loads(embed(ragged, text, "--json").stdout)
    assert whole["results"] == rows(embed(ragged, text)) and whole["dim"] == DIM
    assert whole["schema_version"] == 1 and whole["warnings"] == [] and whole["texts"] == 73
    head, *body = embed(ragged, text, "--format", "csv").stdout.decode().splitlines()
    assert head.startswith("index,tokens,truncated,e0,e1,") and head.endswith(",e383")
    for line, vector in zip(body, vectors, strict=True):
        cells = line.split(",")[3:]
        assert len(cells) == DIM
        assert struct.pack("<%df" % DIM, *[float(cell or 0) for cell in cells]) == \
            struct.pack("<%df" % DIM, *vector)


def test_vectors_are_those_of_the_reference_model(ragged):
    texts = [json.loads(line)["text"] for line in open(GOLDEN / "minilm_edge.jsonl")]
    expected = floats((GOLDEN / "minilm_edge.f32").read_bytes())
    one_line = [i for i, text in enumerate(texts) if text.strip() and "\n" not in text and "\r" not in text]
    assert len(one_line) > 20
    sent = "".join(texts[i] + "\n" for i in one_line).encode()
    for i, row in zip(one_line, rows(embed(ragged, sent)), strict=True):
        if row["embedding"]:
            assert sum(a * b for a, b in zip(row["embedding"], expected[i])) > 0.9999


def test_threads_and_neighbours_change_nothing(ragged):
    text = lines_of(120)
    alone = embed(ragged, text.splitlines(keepends=True)[57], "--format", "f32").stdout
    one = embed(ragged, text, "--format", "f32", "-j", "1").stdout
    assert embed(ragged, text, "--format", "f32", "-j", "5").stdout == one
    assert one[57 * DIM * 4:58 * DIM * 4] == alone


def test_a_pipe_that_stays_open_is_answered_line_by_line(ragged):
    process = subprocess.Popen(ragged.command("embed", "--query"), env=ragged.environment,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for i in range(3):
        process.stdin.write(b"question %d\n" % i)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["index"] == i
    process.stdin.close()
    assert process.stdout.read() == b"" and process.wait(60) == 0


def test_what_the_model_can_not_read_is_cut_and_counted(ragged):
    text = b"short\n" + b"river " * 400 + b"\n" + b"mill " * 500_000 + b"\n" + b"last\n"
    done = embed(ragged, text)
    assert [row["truncated"] for row in rows(done)] == [False, True, True, False]
    assert [row["tokens"] for row in rows(done)] == [1, 254, 254, 1]
    assert b"2 of 4 texts cut: the model reads 254 tokens" in done.stderr
    assert embed(ragged, text, "-q").stderr == b""
    assert "2 of 4 texts cut" in json.loads(embed(ragged, text, "--json").stdout)["warnings"][0]
    assert json.loads(embed(ragged, b"", "--json").stdout)["results"] == []
    whole = rows(embed(ragged, b"river " * 254 + b"\n"))[0]
    assert not whole["truncated"] and whole["embedding"] == rows(done)[1]["embedding"]


def test_bytes_that_are_not_utf8_are_repaired_and_counted(ragged):
    done = embed(ragged, b"caf\xe9 au lait\n\xff\n\xf0\x9f\x8c\n")
    repaired = embed(ragged, "caf\ufffd au lait\n\ufffd\n\ufffd\n".encode())
    assert done.stdout == repaired.stdout
    assert b"3 of 3 texts held bytes that are not UTF-8" in done.stderr and not repaired.stderr


def test_a_file_a_fifo_and_a_pipe_are_the_same(ragged, tmp_path):
    text = lines_of(40)
    (tmp_path / "lines.txt").write_bytes(text)
    expected = embed(ragged, text).stdout
    assert ragged.run("embed", tmp_path / "lines.txt").stdout.encode() == expected
    os.mkfifo(tmp_path / "fifo")
    process = ragged.start("embed", tmp_path / "fifo", stdout=subprocess.PIPE)
    (tmp_path / "fifo").write_bytes(text)
    assert process.communicate(timeout=60)[0] == expected
    assert embed(ragged, text, "-").stdout == expected


def test_a_reader_that_goes_away_ends_it_quietly(ragged):
    process = subprocess.Popen(ragged.command("embed"), env=ragged.environment,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.write(process.stdin.fileno(), lines_of(40))
    process.stdout.readline()
    process.stdout.close()
    with pytest.raises(BrokenPipeError):
        for _ in range(2000):
            os.write(process.stdin.fileno(), lines_of(100))
    assert process.wait(60) == 0 and process.stderr.read() == b""


def test_a_full_disk_is_an_error_at_once(ragged):
    with open("/dev/full", "w") as full:
        done = subprocess.run(ragged.command("embed"), env=ragged.environment, stdout=full,
                              input=lines_of(100), stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"No space left" in done.stderr


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("is_busy", [True, False], ids=["busy", "idle"])
def test_signals_stop_it(ragged, tmp_path, number, code, is_busy):
    (tmp_path / "lines.txt").write_bytes(lines_of(100_000))
    words = [tmp_path / "lines.txt"] if is_busy else []
    process = subprocess.Popen(ragged.command("embed", *words), env=ragged.environment,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    time.sleep(1)
    process.send_signal(number)
    started = time.monotonic()
    assert process.wait(60) == code
    assert time.monotonic() - started < (20 if is_sanitized() else 3)


def test_no_home_and_no_library_are_needed(ragged):
    done = subprocess.run([str(build_folder() / "ragged"), "embed"], input=b"a river\n", timeout=60,
                          env={"RAGGED_MODEL_DIR": ragged.environment["RAGGED_MODEL_DIR"]},
                          capture_output=True)
    assert done.returncode == 0 and len(rows(done)) == 1
    embed(ragged, b"a river\n")
    assert not ragged.data.exists()


@pytest.mark.skipif(is_sanitized(), reason="sanitizers keep what was freed")
def test_memory_does_not_grow_with_the_input(ragged, tmp_path):
    def peak_kib(n):  # the same words: each new one maps a page more of the model
        # A child's ru_maxrss begins with its parent's, so a living process is asked.
        with open(tmp_path / "vectors", "wb") as vectors:
            process = subprocess.Popen(ragged.command("embed", "--format", "f32"), stdout=vectors,
                                       stdin=subprocess.PIPE, env=ragged.environment)
        process.stdin.write(b"the river rises in spring\n" * n)
        process.stdin.flush()
        while (tmp_path / "vectors").stat().st_size < n * DIM * 4:
            assert process.poll() is None
            time.sleep(0.02)
        status = Path("/proc/%d/status" % process.pid).read_text()
        process.stdin.close()
        assert process.wait(60) == 0
        return int(status.split("VmHWM:")[1].split()[0])
    small, large = peak_kib(300), peak_kib(3000)
    print("peak: %d KiB for 300 lines, %d for 3000" % (small, large))
    assert large < small + 6 * 1024
    tuning = ragged.json("status", "--tuning")["tuning"]
    models = Path(ragged.environment["RAGGED_MODEL_DIR"])
    packed = models / "all-MiniLM-L6-v2" / ("panels-%s.cache" % tuning["precision"])
    assert large < WITHOUT_ENCODER_KIB + packed.stat().st_size // 1024 + tuning["threads"] * 12 * 1024


def test_progress_lines_are_json(ragged, tmp_path):
    (tmp_path / "lines.txt").write_bytes(lines_of(60))
    done = ragged.run("embed", "--progress", "json", tmp_path / "lines.txt")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert events and events[0]["event"] == "progress" and events[0]["texts"] >= 1
    assert events[0]["bytes_total"] == (tmp_path / "lines.txt").stat().st_size
    assert ragged.run("embed", tmp_path / "lines.txt").stderr == ""


@pytest.mark.parametrize("words, named", [
    (("embed", "--query", "--passage"), "not both"),
    (("embed", "--format", "text"), "jsonl"),
    (("embed", "a", "b"), "usage"),
])
def test_wrong_usage(ragged, words, named):
    assert named in ragged.run(*words, code=2).stderr


def test_what_is_not_there_is_named(ragged, tmp_path):
    assert "nowhere.txt" in ragged.run("embed", tmp_path / "nowhere.txt", code=1).stderr
    done = embed(ragged, b"x\n", code=1, env={"RAGGED_MODEL_DIR": tmp_path})
    assert b"ragged model pull" in done.stderr


def test_f32_is_not_for_a_terminal(ragged):
    leader, follower = pty.openpty()
    done = subprocess.run(ragged.command("embed", "--format", "f32"), env=ragged.environment,
                          input=b"x\n", stdout=follower, stderr=subprocess.PIPE, timeout=60)
    os.close(follower)
    os.close(leader)
    assert done.returncode == 2 and b"terminal" in done.stderr
