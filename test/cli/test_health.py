"""health and doctor: each planted problem is named, with a remedy, and by its own row only; a sound library gives no
alarm; --fix repairs what is safe."""
import ctypes
import fcntl
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import database
from driver import build_folder, is_sanitized, real_cache

MODEL = "all-MiniLM-L6-v2"
PRELOAD = build_folder() / "test" / "preload"

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


@pytest.mark.parametrize("statement", [
    "UPDATE audit SET run = run + 1 WHERE sequence = 2",
    "DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)",
])
def test_an_audit_trail_that_was_tampered_with(library, statement):
    database.change(library.data, statement)
    expect(library, "audit", "audit verify")
    assert "broken" in look(library, "--deep")["audit"]["message"]
    # Nothing is made anew for it, and nobody is told to throw documents away.
    assert sick(look(library, "--fix", command="doctor")) == {"audit"}


def test_what_only_the_whole_audit_trail_says(library):
    database.change(library.data, "UPDATE documents SET hash = 'ab' || substr(hash, 3)")
    assert not sick(look(library))
    assert look(library, "--deep")["audit"]["status"] == "unhealthy"


def test_old_rows_of_the_audit_trail_are_read_when_asked_for(library):
    for i in range(258):
        library.run("config", "set", "threads", str(1 + i % 2))
    assert look(library)["audit"]["message"].startswith("the newest 256 rows")
    database.change(library.data, "UPDATE audit SET run = run + 1 WHERE sequence = 2")
    assert not sick(look(library))
    assert "row 2:" in look(library, "--deep")["audit"]["message"]


def test_a_lock_that_is_held(library):
    with open(library.data / "write.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        expect(library, "locks", "kill %d" % os.getpid())


def test_a_parser_that_is_missing(library):
    expect(library, "parser", "ragged-parse", env={"RAGGED_PARSE": "/nowhere/ragged-parse"})


def refuse_filters():
    """As a kernel without seccomp does, from here on: seccomp() and prctl(PR_SET_SECCOMP) are not known."""
    load, equal, end, einval, allow = 0x20, 0x15, 0x06, 0x00050016, 0x7FFF0000
    steps = ((load, 0, 0, 0), (equal, 3, 0, 317), (equal, 0, 3, 157), (load, 0, 0, 16), (equal, 0, 1, 22),
             (end, 0, 0, einval), (end, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((38, 1, 0, 0, 0), (22, 2, ctypes.addressof(program), 0, 0)):
        if libc.prctl(*map(ctypes.c_ulong, words)):
            raise OSError(ctypes.get_errno(), "prctl")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls are this machine's")
@pytest.mark.skipif("RAGGED_PARSE" in os.environ, reason="the parser of the build that counts has no jail")
def test_a_kernel_without_a_jail(library, tmp_path):
    done = subprocess.run(library.command("health", "--json"), env=library.with_environment({}), capture_output=True, text=True,
                          preexec_fn=refuse_filters)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert sick(checks) == {"parser"} and "seccomp" in checks["parser"]["remedy"], checks["parser"]
    note = tmp_path / "more.md"
    note.write_text("# More\n\nNot read without a jail.\n")
    done = subprocess.run(library.command("add", note), env=library.with_environment({}), capture_output=True, text=True,
                          preexec_fn=refuse_filters)
    assert done.returncode != 0 and not library.search("Not read without a jail", "--mode", "lexical")


def test_few_open_files(library):
    done = subprocess.run(["prlimit", "--nofile=40:40", *library.command("health", "--json")],
                          env=library.with_environment({}), capture_output=True, text=True)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert "open_files" in sick(checks) and "ulimit" in checks["open_files"]["remedy"]


@pytest.mark.parametrize("limit", ["instances", "watches"])
def test_watches_that_are_used_up(library, limit):
    """In a user namespace of its own, which has its own limits."""
    path = "/proc/sys/user/max_inotify_" + limit
    done = subprocess.run(["unshare", "-Ur", "sh", "-c", 'echo 0 > %s && exec "$@"' % path, "sh", *library.command("health", "--json")],
                          env=library.with_environment({}), capture_output=True, text=True)
    if not done.stdout:
        pytest.skip("no user namespaces here: " + done.stderr)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert sick(checks) == {"watches"} and "fs.inotify.max_user_%s=" % limit in checks["watches"]["remedy"], checks["watches"]


@pytest.mark.skipif(is_sanitized(), reason="the sanitizer wants to be the first that is loaded")
def test_a_disk_that_is_slow(library):
    expect(library, "disk_speed", "data_dir", env={"LD_PRELOAD": PRELOAD / "slow_disk.so"})


@pytest.mark.skipif(is_sanitized(), reason="the sanitizer wants to be the first that is loaded")
def test_an_old_sqlite(library, tmp_path):
    old = {"LD_PRELOAD": PRELOAD / "old_sqlite.so"}
    checks = look(library, env=old)
    assert sick(checks) >= {"database", "sqlite"} and "3.37.0" in checks["sqlite"]["remedy"], checks
    assert "SQLite 3.8.7" in checks["sqlite"]["message"] and "SQLite 3.8.7" in checks["database"]["message"]
    note = tmp_path / "more.md"
    note.write_text("# More\n\nNot with that one.\n")
    done = library.try_run("add", note, env=old)
    assert done.returncode != 0 and "3.37.0" in done.stderr and not sick(look(library))


def settings_of(ragged, text, mode):
    path = ragged.folder / "config" / "ragged" / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("text, mode", [("threads: 2\n", 0o602), ("openai_key: of-mine\n", 0o644), ("openai_key: of-mine\n", 0o640),
                                        ("ollama_url: http://me:of-mine@localhost:1/\n", 0o604)])
def test_settings_that_are_open_to_others(library, text, mode):
    path = settings_of(library, text, mode)
    expect(library, "config", "chmod 600")
    check = look(library, "--fix", command="doctor")["config"]
    assert check["fixed"] and "of-mine" not in str(check)
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_text() == text and not sick(look(library))


@pytest.mark.parametrize("text, mode", [("threads: 2\n", 0o644), ("openai_key: mine\n", 0o600), ("ollama_url: http://localhost:1/\n", 0o664)])
def test_settings_that_may_be_read(library, text, mode):
    settings_of(library, text, mode)
    check = look(library)["config"]
    assert check["status"] == "healthy" and check["message"].startswith("1 settings in "), check


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


@pytest.mark.parametrize("name", ["ragged.db.123.tmp", "vectors-0.f16", "segments/0123456789abcdef.seg", "segments/one.seg.7.tmp"])
def test_a_file_that_a_stopped_process_left(library, name):
    left = library.data / name
    left.write_bytes(b"half of it")
    assert not sick(look(library, "--deep")), "it may be needed"
    os.utime(left, (time.time() - 3600,) * 2)
    expect(library, "leftovers", "compact")
    expect(library, "leftovers", "compact", "--deep")
    assert look(library, "--fix", command="doctor")["leftovers"]["fixed"]
    assert not left.exists() and not sick(look(library, "--deep"))


@pytest.mark.parametrize("content", [b"", b"no database at all", bytes(range(256)) * 64])
def test_a_cache_that_is_broken(library, content):
    library.run("search", "tide")
    cache = library.data / "cache" / "queries.db"
    cache.write_bytes(content)
    if not content:
        assert not sick(look(library))
        return
    expect(library, "cache", "cache clear")
    assert look(library, "--fix", command="doctor")["cache"]["fixed"]
    cache.write_bytes(content)
    library.run("search", "tide")
    assert not sick(look(library)), "the search made it anew"


def test_an_old_configuration(library):
    """Every command says so, and names the line and the keys there are."""
    settings_of(library, "chunk_tokens: 200\nvector_store: chroma\n", 0o600)
    done = library.try_run("health")
    assert done.returncode == 2 and re.search('"vector_store" in ".*config.yaml" line 2', done.stderr)
    assert "embedding_model" in done.stderr


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


# ---- what goes somewhere ----
DAY = 86400
GIB = 1 << 30
TRENDS = {"disk_trend", "search_trend", "failure_trend", "index_trend"}


class Past:
    """A log of days gone by, as this library would have written it."""

    def __init__(self, ragged, form="text"):
        self.ragged, self.form, self.lines = ragged, form, []
        self.library = ragged.data.stat().st_ino

    def add(self, days_ago, event, level="info", **facts):
        at = time.time() - days_ago * DAY
        when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))
        if self.form == "json":
            line = json.dumps({"ts": when, "level": level, "event": event, "run": "1", "library": self.library, **facts}, separators=(",", ":"))
        else:
            line = " ".join(["%s %-5s %s run=1 library=%d" % (when, level, event, self.library), *("%s=%s" % fact for fact in facts.items())])
        self.lines.append((at, line))

    def free(self, days_ago, free_bytes):
        self.add(days_ago, "run_ended", command="search", exit_code=0, took_us=900, free_bytes=int(free_bytes))

    def search(self, days_ago, ms, mode="hybrid", cached=0):
        self.add(days_ago, "searched", took_us=int(ms * 1000), mode=mode, count=7, generation=3, degraded=0, cached=cached)

    def files(self, days_ago, failed=0, tail=0):
        self.add(days_ago, "added", added=3, failed=failed, chunks=9, vectors=9, tail=tail, took_us=9000)

    def write(self):
        log = self.ragged.folder / "state" / "ragged" / "ragged.log"
        log.write_text("".join(line + "\n" for _, line in sorted(self.lines)))


def trends(ragged):
    checks = look(ragged)
    assert TRENDS <= set(checks) and not sick(checks) - TRENDS, checks
    return {name: checks[name] for name in TRENDS}


def expect_trend(past, name, evidence, remedy):
    past.write()
    found = trends(past.ragged)
    assert sick(found) == {name}, found
    assert evidence in found[name]["message"] and remedy in found[name]["remedy"], found[name]


def free_now(ragged):
    disk = os.statvfs(ragged.data)
    return disk.f_bavail * disk.f_frsize


def test_without_a_past_nothing_is_foretold(library):
    found = trends(library)
    assert not sick(found) and all("too little" in check["message"] for check in found.values()), found
    off = look(library, env={"RAGGED_LOG_LEVEL": "error"})
    assert not sick(off) and all("log_level" in off[name]["message"] for name in TRENDS)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_disk_that_fills_up(library, form):
    """Down by an eighth of what is left each day: full in about eight days."""
    past, left = Past(library, form), free_now(library)
    for hours in range(12, 12 * 24, 6):
        past.free(hours / 24, left * (1 + hours / 24 / 8) + hours % 4 * left / 1000)
    expect_trend(past, "disk_trend", "full in 8 days", "data_dir")


@pytest.mark.parametrize("what", ["flat", "one step", "up and down", "two days", "slow", "another library"])
def test_a_disk_that_does_not_fill_up(library, what):
    left = free_now(library)
    shapes = {
        "flat": lambda days: left,
        "one step": lambda days: left + (20 * left if days > 5 else 0),
        "up and down": lambda days: left * (1 + int(days * 4) % 3 / 2),
        "slow": lambda days: left * (1 + days / 400),
    }
    past = Past(library)
    past.library += what == "another library"
    for hours in range(1, 48 if what == "two days" else 240, 1 if what == "two days" else 6):
        past.free(hours / 24, shapes.get(what, lambda days: left * (1 + days / 8))(hours / 24))
    past.write()
    assert not sick(trends(library))


def searches(past, before, recent, **options):
    """Five a day for two weeks, fifteen a day in the last three days."""
    for day in range(3, 17):
        for i in range(5):
            past.search(day + 0.1 + i / 10, before * (1 + i / 20), **options)
    for day in range(3):
        for i in range(15):
            past.search(day + 0.02 + i / 20, recent * (1 + i / 60), **options)


@pytest.mark.parametrize("form", ["text", "json"])
def test_searches_that_become_slower(library, form):
    past = Past(library, form)
    searches(past, 20, 60)
    searches(past, 5, 5, mode="lexical")
    expect_trend(past, "search_trend", "hybrid", "--timings")


@pytest.mark.parametrize("before, recent", [(20, 24), (60, 20), (0.5, 4)])
def test_searches_that_do_not(library, before, recent):
    past = Past(library)
    searches(past, before, recent)
    past.write()
    found = trends(library)
    assert not sick(found) and "half of the hybrid" in found["search_trend"]["message"]


@pytest.mark.parametrize("what", ["words before", "repeated before", "one afternoon"])
def test_other_searches_are_no_slower_searches(library, what):
    past = Past(library)
    if what == "words before":
        searches(past, 2, 2, mode="lexical")
        for i in range(100):
            past.search(0.1 + i / 40, 80)
    elif what == "repeated before":
        searches(past, 80, 80)
        for i in range(200):
            past.search(4 + i / 20, 1, cached=1)
    else:
        searches(past, 20, 20)
        for i in range(200):
            past.search(0.01 + i / 1000, 80)
        past.lines = [line for line in past.lines if line[0] > time.time() - 0.3 * DAY or line[0] < time.time() - 3 * DAY]
    past.write()
    assert not sick(trends(library))


def test_searches_that_fail_more_often(library):
    past = Past(library)
    searches(past, 20, 20)
    for i in range(12):
        past.add(0.1 + i / 10, "search_failed", "error", status="io")
    expect_trend(past, "failure_trend", "12 of 57 searches", "--deep")


def test_questions_that_make_no_sense_are_no_failures(library):
    past = Past(library)
    searches(past, 20, 20)
    for i in range(50):
        past.add(0.1 + i / 50, "search_failed", "error", status=("invalid", "cancelled", "not_found")[i % 3])
    past.write()
    assert not sick(trends(library))


def test_files_that_fail_more_often(library):
    past = Past(library)
    for hours in range(6, 240, 12):
        past.files(hours / 24, failed=max(0, 30 - hours // 6))
    expect_trend(past, "failure_trend", "can't read", "--failed")
    same = Past(library)
    for hours in range(6, 240, 12):
        same.files(hours / 24, failed=40)
    same.write()
    assert not sick(trends(library))


def test_an_index_that_falls_behind(library):
    """Nothing makes segments of what is added; passages in no segment are a number that is kept."""
    database.change(library.data, "UPDATE library SET n_tail = 9000")
    past = Past(library)
    for hours in range(6, 240, 12):
        past.files(hours / 24, tail=9000 - 30 * hours)
    expect_trend(past, "index_trend", "slow in 10 days", "compact")
    sound = Past(library)
    for hours in range(6, 240, 12):
        sound.files(hours / 24, tail=hours * 97 % 2048)
    sound.write()
    assert not sick(trends(library))


def test_what_is_compared_is_what_the_program_logs(library, tmp_path):
    """The names of the planted lines are its own."""
    log = library.folder / "state" / "ragged" / "ragged.log"
    log.unlink()
    library.run("add", tmp_path / "notes", "--log-format", "json")
    library.run("search", "tide", "--log-format", "json")
    lines = {line["event"]: line for line in map(json.loads, log.read_text().splitlines())}
    assert {line["library"] for line in lines.values()} == {library.data.stat().st_ino}
    assert abs(lines["run_ended"]["free_bytes"] - free_now(library)) < GIB
    assert lines["added"]["failed"] == 0 and lines["added"]["tail"] == 0
    assert lines["searched"]["mode"] == "hybrid" and lines["searched"]["cached"] == 0


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
