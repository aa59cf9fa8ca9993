#!/usr/bin/env python3
"""Indexing the same files: `ragged add` against a script over sentence-transformers and Chroma, in one run.

    ~/.cache/ragged/bench-venv/bin/python test/bench/index_rivals.py FOLDER --files 40

Takes the first files of FOLDER that both read (text, Markdown, HTML, PDF), spread over its whole list, and
indexes copies of them with each program in turn, on all cores, into an empty store every time. A figure is the
least wall time of a whole process. Needs the packages of requirements.txt and the built program.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from encoder_rivals import CACHE, ROOT, cpu_name
import rival_models

KINDS = (".txt", ".md", ".html", ".htm", ".pdf")
LARGEST_BYTES = 2_000_000


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", type=Path, default=CACHE / "ragged/models/all-MiniLM-L6-v2")
    parser.add_argument("--made", type=Path, default=CACHE / "ragged/bench-models")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def choose_files(folder, n):
    files = sorted(path for path in folder.rglob("*") if path.suffix in KINDS and path.is_file() and
                   0 < path.stat().st_size <= LARGEST_BYTES)
    return files[::max(1, len(files) // n)][:n]


def copy_files(files, folder):
    folder.mkdir()
    for i, path in enumerate(files):
        shutil.copyfile(path, folder / ("%03d-%s" % (i, path.name)))


def timed(command, environment):
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    said = process.stdout.read()
    status, usage = os.wait4(process.pid, 0)[1:]
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit("%s ended with %d" % (command[0], process.returncode))
    return {"wall_s": time.perf_counter() - started, "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_mib": usage.ru_maxrss / 1024, "said": said.strip().splitlines()[0]}


def least(runs):
    return {**{key: min(run[key] for run in runs) for key in ("wall_s", "cpu_s", "peak_mib")},
            "said": runs[-1]["said"]}


def main():
    arguments = parse_arguments()
    transformers = rival_models.made_once(
        arguments.made / "sentence-transformers",
        lambda path: rival_models.write_transformers_folder(arguments.model, path))
    environment = {**os.environ, "RAGGED_MODEL": str(transformers),
                   "RAGGED_MODEL_DIR": str(arguments.model.parent)}
    rival = [sys.executable, str(Path(__file__).parent / "python_rival.py"), "index"]
    runs = {"ragged": [], "sentence-transformers + Chroma": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "files"
        files = choose_files(arguments.folder, arguments.files)
        copy_files(files, folder)
        for i in range(arguments.rounds):
            store = Path(temporary) / ("store%d" % i)
            runs["ragged"].append(timed([arguments.build / "ragged", "--data-dir", store, "add", folder],
                                        environment))
            runs["sentence-transformers + Chroma"].append(
                timed([*rival, str(folder), str(store) + "-chroma"], environment))
        n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    best = {name: least(of) for name, of in runs.items()}
    for name, run in best.items():
        print("%-31s %7.2f s  cpu %7.2f s  %5.0f MiB  %s" % (
            name, run["wall_s"], run["cpu_s"], run["peak_mib"], run["said"]))
    times = best["sentence-transformers + Chroma"]["wall_s"] / best["ragged"]["wall_s"]
    print("ragged is %.2fx as fast on %d files, %.1f MB, %d cores" % (
        times, len(files), n_bytes / 1e6, len(os.sched_getaffinity(0))))
    if arguments.json:
        arguments.json.write_text(json.dumps({"cpu": cpu_name(), "files": len(files), "bytes": n_bytes,
                                              "ratio": times, **best}, indent=2) + "\n")


if __name__ == "__main__":
    main()
