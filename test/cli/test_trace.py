"""Where the time of a run goes: --timings, --trace, the flame graph, and the ids of TRACEPARENT."""

import http.server
import json
import os
import re
import threading
import xml.etree.ElementTree

import pytest

from driver import entries

CANARY = "zanzibar"
QUESTION = "where are the seeds of the blue poppy stored?"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00-%s-00f067aa0ba902b7-01" % TRACE_ID
DIM = 8
SVG = "{http://www.w3.org/2000/svg}"

# A call of every command; what a command's name is not in here fails the test that goes through them.
CALLS = {
    "add": ["README"], "query": [QUESTION], "search": [QUESTION], "list": [], "remove": ["README"], "clear": ["--yes"],
    "status": [], "cache": ["stats"], "check": [], "compact": [], "reindex": [], "config": ["show"],
    "feature-flags": ["list"], "model": ["list"], "embed": ["README"], "eval": ["collection"],
    "benchmark": ["embedding-init", "--runs", "2", "--warmup", "0"], "monitor": [], "profile": ["-o", "g.svg", "list"],
    "profile-memory": ["list"], "audit": ["list"],
    "health": [], "doctor": [], "help": [], "version": [],
}


def read_trace(path):
    """The file and its spans, each with the names it stands within; fails unless they nest on their thread."""
    trace = json.loads(path.read_text())
    spans = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert {event["ph"] for event in trace["traceEvents"]} <= {"X", "M"}
    named = {event["tid"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    assert len([event for event in trace["traceEvents"] if event["name"] == "process_name"]) == 1
    assert {span["tid"] for span in spans} == named
    for thread in named:
        open_spans = []
        for span in sorted((s for s in spans if s["tid"] == thread), key=lambda s: (s["ts"], -s["dur"])):
            while open_spans and span["ts"] >= open_spans[-1]["ts"] + open_spans[-1]["dur"] - 1e-4:
                open_spans.pop()
            if open_spans:
                assert span["ts"] + span["dur"] <= open_spans[-1]["ts"] + open_spans[-1]["dur"] + 2e-3
            span["within"] = [outer["name"] for outer in open_spans]
            open_spans.append(span)
    return trace, spans


def timings(done):
    """The object that --timings=json wrote, as the last line of stderr."""
    return json.loads(done.stderr.splitlines()[-1])


def stages(done):
    return {row["stage"]: row for row in timings(done)["stages"]}


@pytest.fixture
def everything(library, tmp_path):
    """The library, and a folder in which every call of CALLS finds what it names."""
    (tmp_path / "README").write_text("the lighthouse of the bay\n")
    folder = tmp_path / "collection"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "a", "title": "", "text": "rivers carry water to the sea"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "rivers"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\n")
    library.run("add", tmp_path / "README")
    return library


def test_every_command_is_timed_and_traced(everything, tmp_path):
    names = [command["name"] for command in everything.json("help")["commands"]]
    assert sorted(names) == sorted(CALLS)
    for name in sorted(names, key=["remove", "clear"].__contains__):
        path = tmp_path / (name + ".json")
        done = everything.try_run("--timings=json", "--trace", path, name, *CALLS[name], cwd=tmp_path)
        assert done.returncode in (0, 5), (name, done.stderr)
        told, (trace, spans) = timings(done), read_trace(path)
        rows = {row["stage"]: row for row in told["stages"]}
        assert trace["otherData"]["trace"] == told["trace"] and trace["otherData"]["run"] == told["run"]
        assert (trace["otherData"]["lost_spans"], trace["otherData"]["lost_events"]) == (0, 0)
        assert {stage: row["calls"] for stage, row in rows.items()} == {
            stage: len([span for span in spans if span["name"] == stage]) for stage in rows}
        assert {span["name"] for span in spans} == set(rows)
        ours = [span for span in spans if span["tid"] == 0 and not span["within"]]
        assert {span["name"] for span in ours} == {"command", "output"}, name
        assert sum(span["dur"] for span in ours) <= told["wall_ms"] * 1000
        assert rows["command"]["total_ms"] <= told["wall_ms"]
        for row in rows.values():
            assert 0 <= row["self_ms"] <= row["total_ms"] + 1e-6 and row["longest_ms"] <= row["total_ms"] + 1e-6
            assert row["share"] == pytest.approx(row["self_ms"] / told["wall_ms"], abs=1e-3)
        assert told["peak_bytes"] > 1 << 20 and told["cpu_user_ms"] + told["cpu_system_ms"] > 0


def test_results_are_the_same_and_alone_on_stdout(library):
    plain = library.run("search", "--format", "csv", QUESTION)
    timed = library.run("search", "--format", "csv", QUESTION, "--timings")
    assert timed.stdout == plain.stdout and plain.stderr == ""
    lines = timed.stderr.splitlines()
    assert re.fullmatch(r"stage +calls +total ms +self ms +share +longest ms +cpu ms", lines[0])
    assert re.match(r"wall [\d.]+ ms, cpu [\d.]+ ms user and [\d.]+ ms system, helpers [\d.]+ ms, peak memory", lines[-2])
    assert re.fullmatch(r"trace [0-9a-f]{32}, run [0-9a-f]{16}", lines[-1])
    assert len(lines[0]) == len(lines[1]) and any(line.startswith("search ") for line in lines)
    json.loads(library.run("search", "--json", "--timings", QUESTION).stdout)
    assert "--timings" in library.run("search", "--timings=yaml", QUESTION, code=2).stderr


def test_a_search_shows_its_legs(library, tmp_path):
    path = tmp_path / "trace"
    library.run("search", QUESTION, "--no-cache", "--trace", path)
    _, spans = read_trace(path)
    within = {span["name"]: span["within"] for span in spans}
    for stage in ("read query", "embed query", "snapshot", "words leg", "meaning leg", "fuse", "fetch"):
        assert within.get(stage) == ["command", "search"], stage
    assert within["tokenize"] == ["command", "search", "embed query", "embed"]
    assert within["open model"][:3] == ["command", "search", "embed query"]
    library.run("search", QUESTION, "--mode", "lexical", "--trace", path)
    names = {span["name"] for span in read_trace(path)[1]}
    assert "words leg" in names and not names & {"meaning leg", "embed", "open model", "tokenize"}
    library.run("search", QUESTION, "--mode", "lexical", "--trace", path)
    names = {span["name"] for span in read_trace(path)[1]}
    assert "cache lookup" in names and "words leg" not in names


def test_an_add_shows_its_stages(ragged, documents, tmp_path):
    path = tmp_path / "trace"
    done = ragged.run("add", documents, "--trace", path, "--timings=json")
    _, spans = read_trace(path)
    rows = stages(done)
    n_files = len(entries(ragged.json("list")))
    assert rows["file"]["calls"] == rows["parse"]["calls"] == rows["chunk"]["calls"] == rows["hash"]["calls"] == n_files
    assert {"scan files", "terms", "tokenize", "embed", "write", "commit", "checkpoint", "open model"} <= set(rows)
    for name, outer in (("parse", ["file"]), ("hash", ["file"]), ("chunk", ["file"]), ("terms", ["file"])):
        assert all(span["within"] == outer and span["tid"] != 0 for span in spans if span["name"] == name)
    assert ["command", "write"] in [span["within"] for span in spans if span["name"] == "commit"]
    assert sum(row["self_ms"] for name, row in rows.items()) > 0.5 * rows["command"]["total_ms"]


def test_a_failing_run_is_timed_too(ragged):
    done = ragged.run("add", "nowhere-to-be-found", "--timings=json", code=1)
    assert stages(done)["command"]["calls"] == 1
    done = ragged.run("search", "", "--timings=json", code=2)
    assert stages(done)["command"]["calls"] == 1


def test_a_trace_that_cannot_be_written_costs_no_result(library, tmp_path):
    plain = library.run("list")
    done = library.run("list", "--trace", tmp_path / "nowhere" / "trace", code=1)
    assert done.stdout == plain.stdout
    assert "the trace: could not create" in done.stderr and "No such file" in done.stderr
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        done = library.run("list", "--trace", place, code=2)
        assert done.stdout == "" and "is not a file" in done.stderr
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "old").write_text("old")
    library.run("list", "--trace", tmp_path / "old")
    read_trace(tmp_path / "old")
    assert [name for name in os.listdir(tmp_path) if name.endswith(".tmp")] == []
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o600


def test_nothing_private_is_in_it(ragged, tmp_path):
    folder = tmp_path / ("%s-folder" % CANARY)
    folder.mkdir()
    (folder / ("%s.md" % CANARY)).write_text("# %s\n\nThe %s text of it.\n" % (CANARY, CANARY))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 " + CANARY.encode())
    env = {"RAGGED_OPENAI_KEY": CANARY, "RAGGED_OPENAI_URL": "http://127.0.0.1:9/%s" % CANARY,
           "TRACEPARENT": CANARY}
    written = ""
    for words in (["add", folder], ["search", CANARY], ["query", CANARY + "?"], ["list"], ["remove", folder]):
        done = ragged.try_run("profile", "-o", tmp_path / "g.svg", *words, "--timings=json", "--trace",
                              tmp_path / "trace", env=env)
        assert done.returncode in (0, 3), done.stderr
        written += (tmp_path / "trace").read_text() + (tmp_path / "g.svg").read_text() + json.dumps(timings(done))
    assert written.count('"command"') >= 10
    assert CANARY not in written.lower()


# ---- TRACEPARENT ----

class Server(http.server.ThreadingHTTPServer):
    """Models, vectors and answers after OpenAI's manner; keeps what it was told of traces."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.told = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def env(self, **more):
        url = "http://127.0.0.1:%d/v1" % self.server_address[1]
        return {"RAGGED_OPENAI_URL": url, "RAGGED_GENERATOR": "openai", "RAGGED_EMBEDDING_BACKEND": "openai",
                "RAGGED_EMBEDDING_URL": url, "RAGGED_EMBEDDING_MODEL": "small", **more}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, content_type, text):
        self.server.told.append((self.command, self.path, self.headers.get_all("traceparent") or []))
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        self.answer("application/json", json.dumps({"object": "list", "data": [{"id": "m"}]}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            rows = [{"index": i, "embedding": [1.0] + [0.0] * (DIM - 1)} for i in range(len(body["input"]))]
            self.answer("application/json", json.dumps({"data": rows}))
        else:
            piece = json.dumps({"choices": [{"delta": {"content": "In the cellar [1]."}}]})
            self.answer("text/event-stream", "data: %s\n\ndata: [DONE]\n\n" % piece)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


def log_of(ragged):
    path = ragged.folder / "state" / "ragged" / "ragged.log"
    return [json.loads(line) for line in path.read_text().splitlines()]


def ask(ragged, server, documents, *words, **environment):
    """An add, a query and an embed; what the server was told, without repetitions."""
    env = server.env(RAGGED_LOG_FORMAT="json", RAGGED_LOG_LEVEL="debug", **environment)
    runs = []
    (documents / "line").write_text("one\ntwo\n")
    for command in (["add", documents], ["query", QUESTION], ["embed", documents / "line"]):
        done = ragged.run(*command, *words, "--timings=json", env=env)
        runs.append(timings(done))
    assert {path.rsplit("/", 1)[1] for method, path, _ in server.told if method == "POST"} == {"embeddings", "completions"}
    return runs


@pytest.mark.parametrize("words", [[], ["--feature", "advanced_error_recovery=off"]])
def test_a_trace_goes_on_at_servers_and_in_the_log(ragged, server, documents, words):
    runs = ask(ragged, server, documents, *words, TRACEPARENT=PARENT)
    assert {run["trace"] for run in runs} == {TRACE_ID} and len({run["run"] for run in runs}) == 3
    told = {tuple(headers) for _, _, headers in server.told}
    assert told == {("00-%s-%s-01" % (TRACE_ID, run["run"]),) for run in runs}
    lines = log_of(ragged)
    assert {line["trace"] for line in lines} == {TRACE_ID}
    assert {line["run"] for line in lines} == {run["run"] for run in runs}
    assert "traceparent_ignored" not in {line["event"] for line in lines}


@pytest.mark.parametrize("value", [None, "", "00-" + TRACE_ID, PARENT.upper(), PARENT + "0", "x" * 4000])
def test_what_is_no_traceparent_reaches_nobody(ragged, server, documents, value):
    runs = ask(ragged, server, documents, **({} if value is None else {"TRACEPARENT": value}))
    assert {tuple(headers) for _, _, headers in server.told} == {()}
    assert len({run["trace"] for run in runs}) == 3 and TRACE_ID not in {run["trace"] for run in runs}
    lines = log_of(ragged)
    assert {line["trace"] for line in lines} == {run["trace"] for run in runs}
    ignored = [line for line in lines if line["event"] == "traceparent_ignored"]
    assert len(ignored) == (0 if value is None else 3)


# ---- the flame graph ----

def frames(path):
    """Boxes with a title, as (name, x, y, width), the lowest and leftmost first."""
    root = xml.etree.ElementTree.parse(path).getroot()
    assert root.tag == SVG + "svg" and not list(root.iter(SVG + "script"))
    found = []
    for rect in root.iter(SVG + "rect"):
        title = rect.find(SVG + "title")
        if title is not None:
            found.append((title.text.split(":")[0], *(float(rect.get(name)) for name in ("x", "y", "width"))))
    return sorted(found, key=lambda frame: (-frame[2], frame[1]))


def test_a_profile_is_a_flame_graph(library, tmp_path):
    plain = library.run("search", QUESTION)
    for words in ([], ["--wall"]):
        path = tmp_path / "graph.svg"
        done = library.run("profile", "-o", path, *words, "search", "--no-cache", QUESTION)
        assert done.stdout == plain.stdout and done.stderr == ""
        drawn = frames(path)
        assert [frame[0] for frame in drawn[:2]] == ["all", "command"] and "embed" in {frame[0] for frame in drawn}
        for name, x, y, width in drawn[1:]:
            below = [(x2, width2) for _, x2, y2, width2 in drawn
                     if y2 == y + 20 and x2 - 0.02 <= x and x + width <= x2 + width2 + 0.02]
            assert len(below) == 1, name
            beside = [frame for frame in drawn if frame[2] == y and x + 0.02 < frame[1] < x + width - 0.02]
            assert not beside, (name, beside)


def test_a_profile_is_of_any_command_with_its_options(library, tmp_path):
    library.run("profile", "search", "-n", "1", "--json", QUESTION, cwd=tmp_path)
    assert frames(tmp_path / "ragged-profile.svg")
    assert "-n" not in os.listdir(tmp_path)
    other = tmp_path / "other"
    done = library.run("--data-dir", other, "--json", "profile", "-o", tmp_path / "g", "list")
    assert entries(json.loads(done.stdout)) == [] and entries(library.json("list"))
    done = library.run("--quiet", "profile", "-o", tmp_path / "g", "--timings=json", "search", QUESTION)
    assert "search" in stages(done)
    assert library.run("profile", "-o", tmp_path / "g", "add", "nowhere", code=1).stderr
    assert library.run("profile", "search", "--help", cwd=tmp_path).stdout == library.run("search", "--help").stdout
    assert "unknown command" in library.run("profile", "nonsense", code=2, cwd=tmp_path).stderr
    assert "can not profile itself" in library.run("profile", "profile", "list", code=2, cwd=tmp_path).stderr
    assert "wants a command" in library.run("profile", code=2).stderr
    done = library.run("profile", "-o", tmp_path / "nowhere" / "g", "list", code=1)
    assert "the flame graph: " in done.stderr and done.stdout == library.run("list").stdout
