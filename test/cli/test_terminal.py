"""What a person at a terminal sees: the answer as it comes, links, the bar."""

import http.server
import json
import re
import threading

import pytest

ANSWER = "The head gardener is Margarete Lindqvist [1]."


class Handler(http.server.BaseHTTPRequestHandler):
    """Speaks the OpenAI protocol and always gives the same answer, word by word."""

    def log_message(self, *_):
        pass

    def send(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send("application/json", b'{"object":"list","data":[{"id":"echo","object":"model"}]}')

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        pieces = re.findall(r"\S+\s*", ANSWER)
        lines = ["data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": piece}}]})
                 for piece in pieces]
        lines.append('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
        lines.append("data: [DONE]")
        self.send("text/event-stream", "".join(line + "\n\n" for line in lines).encode())


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"RAGGED_GENERATOR": "openai", "RAGGED_LLM_MODEL": "echo", "TERM": "xterm-256color",
           "RAGGED_OPENAI_URL": "http://127.0.0.1:%d/v1" % server.server_address[1]}
    server.shutdown()


QUESTION = ("query", "who is the head gardener?")


def test_answer_streams_and_comes_again_checked(library, server):
    code, shown = library.in_terminal(*QUESTION, env=server)
    assert code == 0
    assert shown.count("gardener is Margarete Lindqvist") == 2
    assert "[1] " in shown.rsplit("gardener is", 1)[1] and "visitors.html" in shown
    assert "answered by openai echo" in shown


def test_no_stream_shows_it_once(library, server):
    code, shown = library.in_terminal(*QUESTION, "--no-stream", env=server)
    assert code == 0 and shown.count("gardener is Margarete Lindqvist") == 1


def test_pipes_get_the_checked_answer_only(library, server):
    done = library.run(*QUESTION, env=server)
    assert done.stdout.count("gardener is Margarete Lindqvist") == 1 and "\x1b" not in done.stdout
    assert "answered by" in done.stderr


def test_json_has_the_promised_members(library, server):
    answer = library.json(*QUESTION, env=server)
    assert answer["schema_version"] == 1 and answer["query"] == QUESTION[1]
    assert answer["found"] and answer["generator"] == "openai" and answer["model"] == "echo"
    assert set(answer["took_ms"]) == {"search", "generate", "total"}
    assert set(answer["usage"]) == {"prompt_tokens", "completion_tokens"}
    assert answer["passages"]["given"] >= 1 and answer["unsupported_sentences"] == 0
    citation = answer["citations"][0]
    assert {"number", "file", "title", "page", "line_start", "line_end", "byte_start", "byte_end",
            "quote", "score", "support", "chunk_id"} <= set(citation)
    assert "Lindqvist" in citation["quote"]


def test_citations_are_links_that_an_editor_follows(library, server):
    _, shown = library.in_terminal(*QUESTION, env=server)
    assert re.search(r"\x1b\]8;;file:///[^\x1b]*visitors\.html\x1b\\", shown)
    _, shown = library.in_terminal(*QUESTION,
                                   env={**server, "RAGGED_EDITOR_URI": "edit://{path}?l={line}"})
    assert re.search(r"\x1b\]8;;edit:///[^\x1b]*visitors\.html\?l=\d+\x1b\\", shown)
    assert "\x1b" not in library.run(*QUESTION, env=server).stdout


def test_bar_only_where_it_is_wanted(ragged, documents, server):
    _, shown = ragged.in_terminal("add", documents, env=server)
    assert "/5" in shown and "\x1b[K" in shown and "5 added" in shown
    _, shown = ragged.in_terminal("add", "--progress", "none", documents, env=server)
    assert "\x1b[K" not in shown and "5 unchanged" in shown


def test_search_json_has_the_promised_members(library):
    found = library.json("search", "--explain", "tomato")
    assert {"schema_version", "query", "mode", "took_ms", "total", "truncated", "results",
            "warnings", "stages"} <= set(found)
    hit = found["results"][0]
    assert {"docid", "chunk_id", "file", "uri", "title", "collection", "page", "line_start",
            "line_end", "byte_start", "byte_end", "heading", "score", "snippet", "explain",
            "mtime"} <= set(hit)
    assert hit["uri"].startswith("file:///") and len(hit["snippet"]) <= 303
    assert set(hit["explain"]) == {"lexical", "vector", "fused", "rerank"}
    full = library.json("search", "--full", "tomato")["results"][0]
    assert len(full["text"]) >= len(hit["snippet"].removesuffix("..."))


def test_quotes_are_shown_once(library):
    code, shown = library.in_terminal(*QUESTION, env={"RAGGED_GENERATOR": "extractive"})
    answer = shown.split("Quoted from your documents")
    assert code == 0 and len(answer) == 2 and "Lindqvist" not in answer[0]
