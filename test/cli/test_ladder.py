"""Every part is taken away in turn: what is left is used, and said; when the part is back, all is whole."""

import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

import small_reranker
from corpus import write_corpus
from driver import real_cache


@pytest.fixture(autouse=True)
def uncached(ragged):
    """What was found before the damage is right all the same, and not what these tests ask for."""
    ragged.environment["RAGGED_CACHE_MB"] = "0"


ENCODER = "all-MiniLM-L6-v2"
RERANKER = "ms-marco-MiniLM-L6-v2"
QUESTION = "How many litres of water do tomato plants get?"
NO = ("--feature", "graceful_degradation=off")


@pytest.fixture
def models(library, tmp_path):
    """Model folders that can be moved away."""
    there = Path(library.environment["RAGGED_MODEL_DIR"]) / ENCODER
    if not there.is_dir():
        pytest.skip("no encoder")
    ours = tmp_path / "models"
    ours.mkdir()
    (ours / ENCODER).symlink_to(there)
    library.environment["RAGGED_MODEL_DIR"] = str(ours)
    return ours


def degraded(ragged, *words, command="search", env=None):
    answer = ragged.json(command, *words, env=env)
    if command != "status":
        assert bool(answer["degraded"]) <= bool(answer["warnings"]) or "generator" in answer["degraded"]
    return answer["degraded"]


def whole(ragged, question=QUESTION, env=None):
    assert degraded(ragged, question, env=env) == []
    return ragged.json("search", question, env=env)["results"]


def test_without_an_encoder_words_are_searched(library, models):
    before = whole(library)
    (models / ENCODER).rename(models / "away")
    found = library.json("search", QUESTION)
    assert found["degraded"] == ["embedder"] and found["mode"] == "lexical"
    assert found["results"][0]["file"].endswith("watering.md")
    shown = library.run("search", QUESTION).stderr
    assert shown.count("warning:") == 1 and "searched by words only" in shown
    assert degraded(library, command="status") == ["embedder"]
    answer = library.json("query", "--generator", "extractive", QUESTION)
    assert answer["degraded"] == ["embedder"] and "two litres" in answer["answer"]
    assert "ragged model pull" in library.run("search", *NO, QUESTION, code=1).stderr
    assert library.run("search", "--mode", "vector", QUESTION, code=1).stdout == ""
    (models / "away").rename(models / ENCODER)
    assert whole(library) == before and degraded(library, command="status") == []


def test_a_damaged_encoder_is_not_asked(library, models):
    folder = models / ENCODER
    there = folder.resolve()
    folder.unlink()
    folder.mkdir()
    for file in there.iterdir():
        (folder / file.name).symlink_to(file)
    before = whole(library)
    config = folder / "config.json"
    kept = config.read_bytes()
    config.unlink()
    config.write_bytes(kept[:40])
    assert degraded(library, QUESTION) == ["embedder"]
    config.write_bytes(kept)
    assert whole(library) == before


def test_vectors_of_another_model_are_not_compared(library):
    before = whole(library)
    stored = library.json("status")["fingerprint"]
    other = {"RAGGED_EMBEDDING_PRECISION": "int16" if stored.split(":")[2] == "fp32" else "fp32"}
    found = library.json("search", QUESTION, env=other)
    assert found["degraded"] == ["vectors"] and found["mode"] == "lexical"
    assert degraded(library, command="status", env=other) == ["vectors"]
    assert "vectors were made with" in library.run("search", *NO, QUESTION, env=other, code=2).stderr
    assert whole(library) == before


def test_words_of_another_language_are_not_compared(library, models):
    before = whole(library)
    german = {"RAGGED_LANGUAGE": "german"}
    found = library.json("search", QUESTION, env=german)
    assert found["degraded"] == ["words"] and found["mode"] == "vector" and found["results"]
    assert degraded(library, command="status", env=german) == ["words"]
    library.run("search", *NO, QUESTION, env=german, code=2)
    # Neither is left: that is no empty result.
    (models / ENCODER).rename(models / "away")
    done = library.run("search", "--json", QUESTION, env=german, code=2)
    assert done.stdout == "" and "ragged reindex" in done.stderr
    (models / "away").rename(models / ENCODER)
    assert whole(library) == before


@pytest.fixture
def compacted(ragged, tmp_path):
    write_corpus(tmp_path / "notes", 20, seed=5, n_sentences=4)
    ragged.run("add", tmp_path / "notes")
    ragged.run("compact")
    return ragged


@pytest.mark.parametrize("kind, name", [("l", "words"), ("v", "vectors")])
def test_a_lost_segment_leaves_the_other(compacted, kind, name):
    before = whole(compacted, "the mark mark7")
    (path,) = (compacted.data / "segments").glob(kind + "*.seg")
    kept = path.read_bytes()
    path.write_bytes(kept[:len(kept) // 2])
    found = compacted.json("search", "the mark mark7")
    assert found["degraded"] == [name] and found["results"] and "20 passages" in found["warnings"][0]
    assert degraded(compacted, command="status") == [name]
    done = compacted.run("search", *NO, "the mark mark7", code=1)
    assert done.stdout == "" and "ragged reindex" in done.stderr
    compacted.run("reindex", "--damaged")
    assert whole(compacted, "the mark mark7") == before


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_lost_file_of_vectors_leaves_the_words(library, is_gone):
    before = whole(library)
    (path,) = library.data.glob("vectors-*.f16")
    kept = path.read_bytes()
    path.unlink()
    if not is_gone:
        path.write_bytes(kept[:100])
    found = library.json("search", QUESTION)
    assert found["degraded"] == ["vectors"] and found["mode"] == "lexical"
    assert found["results"][0]["file"].endswith("watering.md") and path.name in found["warnings"][0]
    assert degraded(library, command="status") == ["vectors"]
    for words in (NO, ("--mode", "vector")):
        done = library.run("search", *words, "--json", QUESTION, code=1)
        assert done.stdout == "" and path.name in done.stderr
    path.write_bytes(kept)
    assert whole(library) == before and degraded(library, command="status") == []


def test_when_nothing_can_be_searched_that_is_an_error(compacted):
    before = whole(compacted, "the mark mark7")
    for path in (compacted.data / "segments").glob("*.seg"):
        path.unlink()
    for words in (("search",), ("query",), ("search", "--mode", "lexical"), ("search", "--mode", "vector")):
        done = compacted.run(*words, "--json", "the mark mark7", code=1)
        assert done.stdout == "" and "nothing of the library can be searched" in done.stderr
        assert "ragged reindex" in done.stderr
    assert degraded(compacted, command="status") == ["vectors", "words"]
    compacted.run("reindex", "--damaged")
    assert whole(compacted, "the mark mark7") == before


def test_without_a_reranker_the_order_is_the_one_before(library, models):
    small_reranker.write(models / RERANKER, models / ENCODER / "vocab.txt")
    always = {"RAGGED_RERANK": "yes"}
    patient = ("--deadline-ms", "0", QUESTION)
    plain = [hit["chunk_id"] for hit in library.search(QUESTION)]
    ranked = [hit["chunk_id"] for hit in library.json("search", *patient, env=always)["results"]]
    assert degraded(library, *patient, env=always) == [] and ranked != plain
    (models / RERANKER).rename(models / "away")
    found = library.json("search", *patient, env=always)
    assert found["degraded"] == ["reranker"] and found["reranked"] == 0
    assert [hit["chunk_id"] for hit in found["results"]] == plain
    assert "ragged model pull" in library.run("search", *NO, *patient, env=always, code=1).stderr
    (models / "away").rename(models / RERANKER)
    assert [hit["chunk_id"] for hit in library.json("search", *patient, env=always)["results"]] == ranked


def test_a_reranker_out_of_time_is_named(library, models):
    small_reranker.write(models / RERANKER, models / ENCODER / "vocab.txt")
    late = ("--rerank", "--deadline-ms", "1", QUESTION)
    assert degraded(library, *late) == ["reranker"]
    assert "within 1 ms" in library.run("search", *NO, *late, code=1).stderr


# ---- who answers ----

class Model(http.server.ThreadingHTTPServer):
    """An OpenAI-compatible server that says `pieces` and breaks off before its end when told to."""

    def __init__(self, port=0):
        self.allow_reuse_address = True
        super().__init__(("127.0.0.1", port), ModelHandler)
        self.pieces, self.is_broken = ["Tomato plants get two litres ", "of water each morning [1]."], False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return "http://127.0.0.1:%d/v1" % self.server_address[1]


class ModelHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        body = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in self.server.pieces:
            choice = {"choices": [{"index": 0, "delta": {"content": piece}}]}
            self.wfile.write(("data: %s\n\n" % json.dumps(choice)).encode())
            self.wfile.flush()
        if not self.server.is_broken:
            self.wfile.write(b"data: [DONE]\n\n")


def test_without_a_language_model_passages_are_quoted(library):
    server = Model()
    env = {"RAGGED_OPENAI_URL": server.url}
    answer = library.json("query", QUESTION, env=env)
    assert answer["degraded"] == [] and answer["generator"] == "openai" and answer["citations"]
    server.stop()
    answer = library.json("query", QUESTION, env=env)
    assert answer["degraded"] == ["generator"] and answer["generator"] == "extractive"
    assert "did not answer" in answer["label"] and "two litres" in answer["answer"] and answer["citations"]
    shown = library.run("query", QUESTION, env=env)
    assert shown.stderr.count("warning:") == 1 and "no language model answered" in shown.stderr
    done = library.run("query", *NO, QUESTION, env=env, code=1)
    assert done.stdout == "" and "openai" in done.stderr
    server = Model(int(env["RAGGED_OPENAI_URL"].split(":")[2].split("/")[0]))
    assert library.json("query", QUESTION, env=env)["degraded"] == []
    server.stop()


def test_who_named_no_language_model_misses_none(library):
    answer = library.json("query", QUESTION, env={"OLLAMA_HOST": ""})
    if answer["generator"] == "extractive":
        assert answer["degraded"] == [] and "no language model configured" in answer["label"]
    assert library.json("query", "--generator", "extractive", QUESTION,
                        env={"RAGGED_OPENAI_URL": "http://127.0.0.1:9/v1"})["degraded"] == []


def test_an_answer_that_breaks_off_is_kept_checked_and_labelled(library):
    server = Model()
    server.is_broken = True
    env = {"RAGGED_OPENAI_URL": server.url}
    answer = library.json("query", QUESTION, env=env)
    assert answer["degraded"] == ["unfinished"] and answer["finish"] == "error"
    assert answer["answer"].startswith("Tomato plants get two litres of water each morning")
    assert answer["label"].startswith("Unfinished") and "incomplete" in answer["warnings"][0]
    assert [c["number"] for c in answer["citations"]] == [1]
    server.pieces = ["Tomato plants get two litres each morning [1]. Rockets burn ninety barrels of oil"]
    answer = library.json("query", QUESTION, env=env)
    assert answer["unsupported_sentences"] == 1 and answer["degraded"] == ["unfinished"]
    shown = library.run("query", QUESTION, env=env)
    assert shown.stdout.startswith("Unfinished") and shown.stderr.count("warning:") == 1
    done = library.run("query", *NO, QUESTION, env=env, code=1)
    assert "incomplete" in done.stderr
    server.pieces = []  # nothing was shown yet: then quotations are better
    assert library.json("query", QUESTION, env=env)["degraded"] == ["generator"]
    server.pieces, server.is_broken = ["Tomato plants get two litres of water each morning [1]."], False
    assert library.json("query", QUESTION, env=env)["degraded"] == []
    server.stop()


# ---- a real server ----

class Ollama:
    """A real one of our own, that may be killed."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % probe.getsockname()[1]
        self.start()

    def start(self):
        environment = {**os.environ, "HOME": str(self.folder / "home"), "OLLAMA_HOST": self.address,
                       "OLLAMA_MODELS": str(self.folder / "models")}
        self.process = subprocess.Popen([self.folder / "ollama", "serve"], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(150):
            with socket.socket() as probe:
                if probe.connect_ex(tuple([self.address.split(":")[0], int(self.address.split(":")[1])])) == 0:
                    return
            time.sleep(0.2)
        pytest.fail("Ollama does not start")

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def ollama():
    peers = os.environ.get("RAGGED_PEERS") or real_cache().parent / "ragged-peers"
    there = sorted(Path(peers).glob("ollama-*/ollama"))
    if not there or not (there[0].parent / "models").is_dir():
        pytest.skip("no Ollama is built")
    server = Ollama(there[0].parent)
    yield server
    server.kill()


def test_a_killed_ollama_is_worked_without_until_it_is_back(ragged, documents, ollama):
    env = {"RAGGED_EMBEDDING_BACKEND": "ollama", "RAGGED_EMBEDDING_MODEL": "smollm2",
           "RAGGED_LLM_MODEL": "smollm2", "RAGGED_OLLAMA_URL": "http://" + ollama.address}
    ragged.run("add", documents, env=env)
    before = whole(ragged, env=env)
    answered = ragged.json("query", "-k", "1", "--max-tokens", "8", QUESTION, env=env)
    assert answered["degraded"] == [] and answered["generator"] in ("ollama", "")
    ollama.kill()
    found = ragged.json("search", QUESTION, env=env)
    assert found["degraded"] == ["embedder"] and found["results"][0]["file"].endswith("watering.md")
    answer = ragged.json("query", QUESTION, env=env)
    assert answer["degraded"] == ["embedder", "generator"] and "two litres" in answer["answer"]
    ragged.run("search", *NO, QUESTION, env=env, code=1)
    ollama.start()
    assert whole(ragged, env=env) == before
    assert ragged.json("query", "-k", "1", "--max-tokens", "8", QUESTION, env=env)["degraded"] == []


# ---- nothing can be written ----

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def in_read_only_folder(ragged, *words):
    """In a mount namespace of its own: also root can't write there."""
    return subprocess.run(["unshare", "-rm", "sh", "-c", READ_ONLY, ragged.data, *ragged.command(*words)],
                          env=ragged.environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("is_fresh", [False, True])
def test_a_read_only_library_is_searched(library, is_fresh):
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("no mount namespaces here")
    library.run("compact")
    before = whole(library)
    if is_fresh:  # as on a disc or in a backup: without what SQLite keeps beside it
        assert (library.data / "ragged.db-wal").stat().st_size == 0
        for end in ("-shm", "-wal"):
            (library.data / ("ragged.db" + end)).unlink(missing_ok=True)
    found = in_read_only_folder(library, "search", "--json", QUESTION)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["results"] == before
    status = in_read_only_folder(library, "status", "--json")
    assert json.loads(status.stdout)["degraded"] == ["writes"]
    answer = in_read_only_folder(library, "query", "--generator", "extractive", "--json", QUESTION)
    assert "two litres" in json.loads(answer.stdout)["answer"]
    assert in_read_only_folder(library, "check").returncode == 0
    add = in_read_only_folder(library, "add", library.folder / "documents")
    assert add.returncode == 1 and "Read-only" in add.stderr
    assert degraded(library, command="status") == [] and whole(library) == before


FULL = 'rm -f "$0/ballast" && cp -r "$0" "$0.kept" && mount -t tmpfs -o size=3m none "$0" && cp -r "$0.kept"/. "$0" && ' \
       '{ head -c 9000000 /dev/zero >"$0/fill" 2>/dev/null; true; } && exec "$@"'


def on_full_disk(ragged, *words):
    done = subprocess.run(["unshare", "-rm", "sh", "-c", FULL, ragged.data, *ragged.command(*words)],
                          env=ragged.environment, capture_output=True, text=True, timeout=300)
    shutil.rmtree(str(ragged.data) + ".kept")
    return done


def test_on_a_full_disk_what_is_there_is_searched(library):
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("no mount namespaces here")
    library.run("compact")
    before = whole(library)
    found = on_full_disk(library, "search", "--json", QUESTION)
    assert found.returncode == 0 and json.loads(found.stdout)["results"] == before, found.stderr
    answer = on_full_disk(library, "query", "--generator", "extractive", "--json", QUESTION)
    assert "two litres" in json.loads(answer.stdout)["answer"]
    (library.folder / "documents" / "new.txt").write_text("The mill stands by the river.\n" * 2000)
    add = on_full_disk(library, "add", library.folder / "documents")
    assert add.returncode == 1 and add.stderr
    assert whole(library) == before
    library.check()
