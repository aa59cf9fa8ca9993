"""The models that ragged knows, and what happens when nobody knows a hash."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest


class Hub(BaseHTTPRequestHandler):
    """A hub that answers every file with its own name."""

    def do_GET(self):
        body = self.path.rsplit("/", 1)[1].encode()
        self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.paths = []
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def environment(hub, tmp_path):
    return {"HF_ENDPOINT": "http://127.0.0.1:%d" % hub.server_port,
            "RAGGED_MODEL_DIR": tmp_path / "models"}


def test_list_says_what_each_model_is(ragged):
    models = {model["name"]: model for model in ragged.json("model", "list")["models"]}
    assert len(models) >= 16
    assert models["bge-base-en-v1.5"]["dimension"] == 768
    assert models["bge-base-en-v1.5"]["pinned"] is True
    assert models["e5-base-v2"]["pinned"] is False and models["e5-base-v2"]["size"] is None
    assert models["ms-marco-MiniLM-L6-v2"]["kind"] == "reranker"
    assert models["ms-marco-MiniLM-L6-v2"]["dimension"] is None
    assert all(model["licence"] and model["tokens"] for model in models.values())


def test_an_unpinned_model_is_refused_before_anything_is_fetched(ragged, hub, tmp_path):
    done = ragged.try_run("model", "pull", "e5-base-v2", env=environment(hub, tmp_path))
    assert done.returncode == 2, done.stderr
    assert "could not be checked" in done.stderr and "--trust-hub e5-base-v2" in done.stderr
    assert hub.paths == []


def test_what_is_trusted_once_is_verified_later(ragged, hub, tmp_path):
    env = environment(hub, tmp_path)
    done = ragged.run("model", "pull", "--trust-hub", "e5-base-v2", env=env)
    assert done.stderr.count("trusted on first use, SHA-256") == 3
    assert {path.split("/resolve/main/")[0] for path in hub.paths} == {"/intfloat/e5-base-v2"}
    ragged.run("model", "verify", "e5-base-v2", env=env)
    folder = tmp_path / "models" / "e5-base-v2"
    assert len((folder / "trusted.sha256").read_text().splitlines()) == 3
    (folder / "vocab.txt").write_text("another")
    done = ragged.try_run("model", "verify", "e5-base-v2", env=env)
    assert done.returncode != 0 and "SHA-256" in done.stderr
    ragged.run("model", "pull", "e5-base-v2", env=env)
    assert (folder / "vocab.txt").read_text() == "vocab.txt"


def test_trust_does_not_reach_pinned_files(ragged, hub, tmp_path):
    done = ragged.try_run("model", "pull", "--trust-hub", "gte-small", env=environment(hub, tmp_path))
    assert done.returncode != 0 and "expected 9a1eb90b" in done.stderr
    assert not (tmp_path / "models" / "gte-small" / "model.safetensors").exists()
