#!/usr/bin/env python3
"""A search from end to end: `ragged search` as a whole process against Chroma, over the same passages.

    ~/.cache/ragged/bench-venv/bin/pip install -r test/bench/requirements.txt
    make && make build/release/test/tools/{corpus_maker,process_bench,fill_library}
    ~/.cache/ragged/bench-venv/bin/python test/bench/search_rivals.py --rows 100000 --json FILE

ragged starts a process for each query, which opens the library, embeds the words, searches and prints ten passages;
its time is from before the process is made until it has been waited for. Chroma runs already, has its index in
memory and is handed the vector of the query; "new process" is one that starts, opens and asks once. All on one core,
page cache warm; of each query the least of all runs, then percentiles over queries. Passages and their vectors are
synthetic, the vectors of the queries are the encoder's own.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib import metadata
from pathlib import Path

from encoder_rivals import CACHE, say
from measuring import Failed, build_once, common_parser, every_nth, facts, finish, least, made_corpus, make_ready, number, \
    run_json, table, time_processes
from rivals import Missing, imported

HERE = Path(__file__).parent
MODES = ("hybrid", "lexical", "vector")
N_RESULTS = 10
N_NEW_PROCESSES = 3
DIM = 384


def parse_arguments():
    parser = common_parser(__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--chroma-rows", type=int, default=1_000_000, help="its graph is not built above")
    parser.add_argument("--model-folder", type=Path, default=CACHE / "ragged/models")
    return parser.parse_args()


class Collection:
    def __init__(self, arguments):
        self.texts = made_corpus(arguments, "text", "text")
        self.vectors = made_corpus(arguments, "weak", "vectors", "weak", str(DIM))
        self.corpus, self.base = self.texts / "corpus.txt", self.vectors / "base.f16"
        lines = (self.texts / "queries_content.txt").read_text(encoding="ascii").splitlines()
        self.lines = every_nth(lines, arguments.queries)

    def embed_queries(self, ragged):
        """What Chroma is asked with: the vectors of the same words."""
        path = self.texts / "queries_embedded.f32"
        with open(path, "wb") as out:
            subprocess.run([ragged, "embed", "--query", "-f", "f32", "-j", "1", "--progress", "none",
                            "-"], input="".join(line + "\n" for line in self.lines).encode(), stdout=out,
                           check=True)
        if path.stat().st_size != len(self.lines) * DIM * 4:
            raise Failed("the queries have %d bytes of vectors" % path.stat().st_size)
        return path


class Ours:
    program = "ragged"

    def __init__(self, arguments, collection):
        self.ragged, self.filler = arguments.build / "ragged", arguments.build / "test/tools/fill_library"
        for program in (self.ragged, self.filler):
            if not program.exists():
                raise Missing("make %s" % program)
        self.arguments, self.collection, self.runs = arguments, collection, arguments.runs
        self.library = collection.texts / "library"

    def add_note(self, name):
        """A small file added the usual way: it sets the model, and later has segments made."""
        notes = self.collection.texts / "notes"
        notes.mkdir(exist_ok=True)
        (notes / name).write_text("a note called %s, beside the passages\n" % name)
        subprocess.run([self.ragged, "--data-dir", self.library, "add", "--quiet", notes / name],
                       check=True, stdout=subprocess.DEVNULL)

    def build(self):
        shutil.rmtree(self.library, ignore_errors=True)
        started = time.perf_counter()
        self.add_note("first.txt")
        of = self.collection
        filled = run_json(self.arguments, [self.filler, self.library, of.corpus, of.base, DIM])
        at_flush = time.perf_counter()
        self.add_note("last.txt")
        self.built = {**filled, "fill_seconds": filled["seconds"], "flush_seconds": time.perf_counter() - at_flush,
                      "seconds": time.perf_counter() - started, "is_of_this_run": True,
                      "bytes": sum(path.stat().st_size for path in self.library.rglob("*") if path.is_file())}
        self.version = self.say("--version").split()[-1]
        self.built["status"] = json.loads(self.say("--data-dir", self.library, "status", "--json"))

    def say(self, *words):
        return subprocess.run([self.ragged, *words], text=True, capture_output=True, check=True).stdout

    def search(self, mode, *options):
        return time_processes(
            self.arguments, [self.ragged, "--data-dir", self.library, "search", *options, "-n", N_RESULTS, "--mode", mode,
                             "{}"], self.collection.lines, self.runs)

    def measure(self):
        """Without the cache of answers: the same queries come several times."""
        for mode in MODES:
            yield "ragged, new process, " + mode, self.search(mode, "--no-cache")
        yield "ragged, new process, asked before", self.search(MODES[0])
        yield "(an empty process)", time_processes(self.arguments, ["/bin/true"], ["-"] * 50, self.runs)


class Chroma:
    program = "chroma"

    def __init__(self, arguments, collection):
        imported("chromadb")
        if arguments.rows > arguments.chroma_rows:
            raise Missing("its graph of %d rows takes hours: --chroma-rows" % arguments.rows)
        self.arguments, self.collection, self.runs = arguments, collection, arguments.runs
        self.is_kept = not arguments.rebuild
        self.version = metadata.version("chromadb")
        self.store = collection.texts / ("chroma-" + self.version)
        self.worker = [sys.executable, HERE / "chroma_worker.py", "--runs", str(arguments.runs)]
        ragged = arguments.build / "ragged"
        if not ragged.exists():
            raise Missing("make %s: it embeds the queries" % ragged)
        self.queries = collection.embed_queries(ragged)

    def build(self):
        of = self.collection
        if not (self.is_kept and self.store.with_name(self.store.name + ".json").exists()):
            shutil.rmtree(self.store, ignore_errors=True)
        self.built = build_once(self.arguments, self.store, [
            *self.worker, "build", of.corpus, of.base, DIM, self.store], self.is_kept)

    def measure(self):
        found = run_json(self.arguments, [*self.worker, "query", self.store, self.queries, DIM])
        yield "Chroma, running process, vector", found
        yield "Chroma, new process, vector", time_processes(
            self.arguments, [*self.worker, "once", self.store, self.queries, DIM], ["-"], N_NEW_PROCESSES)
        yield "Chroma over HTTP, vector", self.ask_server()

    def ask_server(self):
        program = Path(sys.executable).with_name("chroma")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen([program, "run", "--path", self.store, "--host", "127.0.0.1", "--port",
                                   str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_up(server, port)
            found = run_json(self.arguments, [*self.worker, "--port", port, "query", self.store, self.queries, DIM])
            return {**found, "peak_mib": peak_mib_of(server.pid)}
        finally:
            server.terminate()
            server.wait()


def wait_until_up(server, port):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen("http://127.0.0.1:%d/api/v2/heartbeat" % port, timeout=2).read()
            return
        except OSError:
            time.sleep(0.05)
    raise Failed("the Chroma server did not start")


def peak_mib_of(pid):
    for line in Path("/proc/%d/status" % pid).read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return None


ROWS = {"ragged": Ours, "chroma": Chroma}


def gather(arguments, collection):
    found, missing = [], {}
    for name in arguments.only.split(",") if arguments.only else list(ROWS):
        try:
            program = ROWS[name](arguments, collection)
            say("filling %s" % name)
            program.build()
            found.append(program)
        except (Missing, Failed, subprocess.CalledProcessError) as error:
            missing[name] = str(error)
            say("left out: %s (%s)" % (name, error))
    return found, missing


def measure(programs, n_rounds, missing):
    rounds = {}
    for _ in range(n_rounds):
        for program in programs:
            say("asking %s" % program.program)
            try:
                for name, figures in program.measure():
                    rounds.setdefault(name, []).append(figures)
            except Failed as error:
                missing[program.program] = str(error)
    return {name: least(of) for name, of in rounds.items()}


def show(result):
    ours = result["times"].get("ragged, new process, hybrid")
    rows = []
    for name, of in result["times"].items():
        ratio = "" if not ours or name.startswith(("ragged", "(")) else " (%sx)" % number(
            of["p50_ms"] / ours["p50_ms"])
        rows.append([name, number(of["p50_ms"]) + ratio, number(of["p99_ms"]), number(of.get("cpu_mean_ms")),
                     "%s MiB" % number(of["peak_mib"])])
    built = [[name, "%s s" % number(of["seconds"]), "%s MB" % number(of["bytes"] / 1e6)]
             for name, of in result["built"].items()]
    return "%s\n\n%s" % (table(["", "p50 ms (times ragged hybrid)", "p99 ms", "cpu ms", "peak memory"], rows),
                         table(["", "filled in", "on disk"], built))


def main():
    arguments = parse_arguments()
    make_ready(arguments)
    os.environ["RAGGED_MODEL_DIR"] = str(arguments.model_folder)
    result = facts(arguments)
    collection = Collection(arguments)
    programs, missing = gather(arguments, collection)
    result["times"] = measure(programs, arguments.rounds, missing)
    result.update(missing=missing, built={program.program: program.built for program in programs},
                  versions={program.program: program.version for program in programs})
    finish(arguments, result, "%d passages, %d queries\n\n%s" % (arguments.rows, len(collection.lines), show(result)))


if __name__ == "__main__":
    main()
