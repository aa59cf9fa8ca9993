"""What the retrieval comparisons share: one core, commands that answer in JSON, collections, tables."""
import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

from encoder_rivals import ROOT, cpu_name, say

N_QUERIES_MADE = 1000
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                     "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")}


def common_parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", type=Path, help="write everything that was measured")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/bench"), help="collections and indexes")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--only", help="these engines, separated by commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2, help="engines take turns this often")
    parser.add_argument("--runs", type=int, default=3, help="of each query in a round; the least counts")
    parser.add_argument("--rebuild", action="store_true", help="indexes of rivals that are there already")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    return parser


def make_ready(arguments):
    """This process and all its children on one core; the folder is there."""
    os.sched_setaffinity(0, {arguments.core})
    os.environ.update(ONE_THREAD)
    if arguments.folder.exists() and not arguments.folder.is_dir():
        sys.exit("%s is not a folder: name another with --folder" % arguments.folder)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in ("process_bench", "corpus_maker"):
        need_tool(arguments.build / "test/tools" / name)


def need_tool(path):
    if not path.exists():
        sys.exit("%s is not there: make %s" % (path, path))


def facts(arguments):
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], text=True,
                            capture_output=True, check=False).stdout.strip()
    return {"cpu": cpu_name(), "core": arguments.core, "rows": arguments.rows, "seed": arguments.seed,
            "rounds": arguments.rounds, "runs": arguments.runs, "commit": commit,
            "load_before": os.getloadavg()[0], "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


class Failed(Exception):
    pass


def run_json(arguments, command, lines=None):
    """The JSON object on the last line that the command prints; with its peak memory."""
    said = run_with(arguments, ["once", *command], lines)
    return {**json.loads(said[-2]), "peak_mib": json.loads(said[-1])["peak_mib"]}


def time_processes(arguments, command, lines, n_runs):
    """Figures of a process for each line, which stands for the word {} of the command."""
    return json.loads(run_with(arguments, ["each", n_runs, *command], lines)[-1])


def run_with(arguments, words, lines):
    """Through test/tools/process_bench: a child of this process would begin with this one's peak memory."""
    command = [str(word) for word in (arguments.build / "test/tools/process_bench", *words)]
    text = "".join(line + "\n" for line in lines or [])
    process = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=False)
    if process.returncode:
        raise Failed("%s ended with %d" % (" ".join(command[2:5]), process.returncode))
    return [line for line in process.stdout.splitlines() if line.strip()]


def build_once(arguments, path, command, is_kept):
    """Builds the index at `path`; its figures stay beside it, for the next run."""
    record = path.with_name(path.name + ".json")
    if is_kept and record.exists():
        return {**json.loads(record.read_text()), "is_of_this_run": False}
    record.unlink(missing_ok=True)
    figures = run_json(arguments, command)
    record.write_text(json.dumps(figures))
    return {**figures, "is_of_this_run": True}


def percentile(ordered, share):
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]


def summary(times_ms):
    ordered = sorted(times_ms)
    return {"queries": len(ordered), "p50_ms": percentile(ordered, 50), "p99_ms": percentile(ordered, 99),
            "mean_ms": sum(ordered) / len(ordered)}


def least(figures):
    """Of several rounds each number apart."""
    return {key: min(one[key] for one in figures) if key.endswith("_ms") else figures[-1][key]
            for key in figures[-1]}


def made_corpus(arguments, kind, *words):
    """The folder of one collection of test/tools/corpus_maker, made when it is not there."""
    folder = arguments.folder / ("%s-%d-%d" % (kind, arguments.rows, arguments.seed))
    is_made, wanted = folder / "made", "%d queries" % N_QUERIES_MADE
    if not 0 < arguments.queries <= N_QUERIES_MADE:
        sys.exit("--queries: 1 to %d" % N_QUERIES_MADE)
    if is_made.exists() and is_made.read_text() == wanted:
        return folder
    folder.mkdir(exist_ok=True)
    is_made.unlink(missing_ok=True)
    for old in [*folder.glob("*.json"), *folder.glob("truth*")]:
        old.unlink()
    say("making %s" % folder)
    subprocess.run([arguments.build / "test/tools/corpus_maker", words[0], folder, str(arguments.rows),
                    str(N_QUERIES_MADE), str(arguments.seed), *words[1:]], check=True)
    is_made.write_text(wanted)
    return folder


def every_nth(things, n):
    """n of them, evenly spread: they come in the order of the collection."""
    return things[:: max(1, len(things) // n)][:n]


def number(value, digits=3):
    if value is None or isinstance(value, float) and math.isnan(value):
        return "-"
    return "%.*g" % (digits, value) if value < 10 ** digits else "{:,.0f}".format(value)


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| %s |" % " | ".join(map(str, line)) for line in lines)


def finish(arguments, result, text):
    print(text)
    for name, reason in result["missing"].items():
        print("left out: %s (%s)" % (name, reason))
    if result["load_before"] > 0.5:
        print("the machine was not quiet: load %.1f before the first measurement" % result["load_before"])
    if arguments.json:
        arguments.json.write_text(json.dumps({**result, "table": text}, indent=1) + "\n")
