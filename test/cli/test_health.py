"""health and doctor: each planted problem is named, with a remedy, and by its own row only; a sound library gives no
alarm; --fix repairs what is safe."""
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import database
from driver import real_cache

MODEL = "all-MiniLM-L6-v2"

pytestmark = pytest.mark.skipif(not (real_cache() / "models" / MODEL).exists(), reason="without the embedding model")


@pytest.fixture
def library(ragged, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    for i in range(6):
        (notes / ("n%d.md" % i)).write_text("# Note %d\n\nThe tide number %d rises at the shore.\n" % (i, i))
    ragged.run("add", notes)
    ragged.run("compact")
    return ragged


def look(ragged, *words, command="health", **options):
    """{name: check}; the exit code must fit the whole."""
    done = ragged.try_run(command, *words, "--json", **options)
    assert done.returncode in (0, 5), done.stderr
    shown = json.loads(done.stdout)
    assert (done.returncode == 5) == (shown["overall_status"] == "unhealthy")
    return {check["name"]: check for check in shown["checks"]}


def sick(checks):
    return {name for name, check in checks.items() if check["status"] != "healthy"}


def expect(ragged, name, word, *words, **options):
    """Only that row is not healthy, and its remedy says `word`."""
    checks = look(ragged, *words, **options)
    assert sick(checks) == {name}, [c for c in checks.values() if c["status"] != "healthy"]
    assert word in checks[name]["remedy"], checks[name]


def test_a_sound_library_gives_no_alarm(library):
    for words in ((), ("--deep",)):
        checks = look(library, *words)
        assert not sick(checks), [c for c in checks.values() if c["status"] != "healthy"]
        assert all(check["message"] and check["duration_ms"] >= 0 for check in checks.values())


def test_without_a_library_nothing_is_wrong_and_nothing_is_made(ragged):
    assert not sick(look(ragged, "--deep"))
    assert not ragged.data.exists()


def segment_of(ragged):
    return max((ragged.data / "segments").iterdir(), key=lambda path: path.stat().st_size)


def test_a_damaged_segment_is_repaired(library):
    segment = segment_of(library)
    bytes_of = bytearray(segment.read_bytes())
    bytes_of[len(bytes_of) // 2] ^= 0xFF
    bytes_of[40:60] = b"\xff" * 20
    segment.write_bytes(bytes_of)
    checks = look(library)
    assert "segments" in sick(checks) and "reindex" in checks["segments"]["remedy"]
    fixed = look(library, "--fix", command="doctor")
    assert fixed["segments"]["fixed"] and not sick(fixed)
    assert not sick(look(library, "--deep"))


def test_a_segment_that_is_gone_is_repaired(library):
    segment_of(library).unlink()
    assert "segments" in sick(look(library))
    assert not sick(look(library, "--fix", command="doctor"))


def test_rights_are_set_back(library):
    library.data.chmod(0o755)
    expect(library, "folder", "chmod 700")
    assert look(library, "--fix", command="doctor")["folder"]["fixed"]
    assert library.data.stat().st_mode & 0o777 == 0o700


def copied_model(ragged, tmp_path):
    """A folder of models of one's own, to be damaged."""
    folder = tmp_path / "models"
    shutil.copytree(real_cache() / "models" / MODEL, folder / MODEL)
    return folder


def test_a_model_with_a_wrong_hash(library, tmp_path):
    models = copied_model(library, tmp_path)
    weights = models / MODEL / "model.safetensors"
    with open(weights, "r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"\x01")
    expect(library, "model", "model pull", "--deep", env={"RAGGED_MODEL_DIR": models})


def test_a_model_without_its_dictionary(library, tmp_path):
    models = copied_model(library, tmp_path)
    for name in ("vocab.txt", "tokenizer.json"):
        (models / MODEL / name).unlink(missing_ok=True)
    checks = look(library, env={"RAGGED_MODEL_DIR": models})
    assert sick(checks) == {"embedder"} and checks["embedder"]["remedy"]


def test_vectors_of_another_model(library):
    database.change(library.data, "UPDATE meta SET value = 'another:12345678:int16' WHERE key = 'embedding_fingerprint'")
    expect(library, "embedder", "embedding_model")


def test_an_ollama_that_is_not_there(library):
    expect(library, "generator", "ollama serve", env={"RAGGED_GENERATOR": "ollama", "RAGGED_OLLAMA_URL": "http://127.0.0.1:9"})


class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2.5)
        body = b'{"models": [{"name": "qwen2.5:1.5b", "model": "qwen2.5:1.5b", "details": {"parameter_size": "1.5B"}}]}'
        self.answer(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b'{"model_info": {"llama.context_length": 4096}, "capabilities": ["completion"]}')

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_an_ollama_that_is_slow(library):
    server = HTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d" % server.server_port
    expect(library, "generator", "slow", env={"RAGGED_GENERATOR": "ollama", "RAGGED_OLLAMA_URL": url})
    server.shutdown()


def test_a_library_from_the_future(library):
    later = time.time() + 400 * 86400
    os.utime(library.data / "ragged.db", (later, later))
    expect(library, "clock", "clock")


def test_a_lock_that_is_held(library):
    with open(library.data / "write.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        expect(library, "locks", "kill %d" % os.getpid())


def test_a_parser_that_is_missing(library):
    expect(library, "parser", "ragged-parse", env={"RAGGED_PARSE": "/nowhere/ragged-parse"})


def test_few_open_files(library):
    done = subprocess.run(["prlimit", "--nofile=40:40", *library.command("health", "--json")],
                          env=library.with_environment({}), capture_output=True, text=True)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert "open_files" in sick(checks) and "ulimit" in checks["open_files"]["remedy"]


def test_a_log_that_grew(library):
    keeper = sqlite3.connect(library.data / "ragged.db")  # so that nobody removes the log
    keeper.execute("SELECT count(*) FROM meta").fetchone()
    with open(library.data / "ragged.db-wal", "ab") as log:
        log.truncate(300 << 20)
    checks = look(library)
    assert sick(checks) == {"log"} and "compact" in checks["log"]["remedy"]
    keeper.close()


def test_passages_without_vectors(library, tmp_path):
    more = tmp_path / "more.md"
    more.write_text("# More\n\nNothing of this has a vector.\n")
    library.run("add", "--defer-vectors", more)
    expect(library, "vectors", "add")


def test_documents_that_could_not_be_read(library, tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4 nothing of the kind")
    library.run("add", bad, code=3)
    expect(library, "documents", "--failed")


def test_a_database_that_is_none(library):
    for name in ("ragged.db-wal", "ragged.db-shm"):
        (library.data / name).unlink(missing_ok=True)
    (library.data / "ragged.db").write_bytes(os.urandom(8192))
    checks = look(library)
    assert "database" in sick(checks) and checks["database"]["remedy"]


def test_a_database_of_another_library(library, tmp_path):
    """Its vectors, its manifest: nothing fits what lies beside it."""
    other = type(library)(tmp_path / "other")
    note = tmp_path / "other.md"
    note.write_text("# Other\n\nAnother library altogether.\n")
    other.run("add", note)
    other.run("compact")
    for name in ("ragged.db-wal", "ragged.db-shm"):
        (library.data / name).unlink(missing_ok=True)
    with sqlite3.connect(other.data / "ragged.db") as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(other.data / "ragged.db", library.data / "ragged.db")
    assert "add the documents again" in look(library, "--fix", command="doctor")["content"]["remedy"]


@contextmanager
def small_disk(folder, size):
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s" % size, "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can't be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_full(library, tmp_path):
    disk = tmp_path / "disk"
    with small_disk(disk, "64m"):
        shutil.copytree(library.data, disk / "data")
        (disk / "data").chmod(0o700)
        expect(library, "disk", "room", env={"RAGGED_DATA_DIR": disk / "data"})


def test_a_disk_that_cannot_be_written(library, tmp_path):
    disk = tmp_path / "disk"
    with small_disk(disk, "4g"):
        shutil.copytree(library.data, disk / "data")
        (disk / "data").chmod(0o700)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        checks = look(library, env={"RAGGED_DATA_DIR": disk / "data"})
        assert sick(checks) == {"folder"} and "writ" in checks["folder"]["remedy"], checks
