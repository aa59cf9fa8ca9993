#!/usr/bin/env python3
"""The encoder against ONNX Runtime (fp32, dynamic int8), sentence-transformers and llama.cpp, in one run.

    python3 -m venv ~/.cache/ragged/bench-venv
    ~/.cache/ragged/bench-venv/bin/pip install -r test/bench/requirements.txt
    make && make build/release/test/tools/encoder_bench
    ~/.cache/ragged/bench-venv/bin/python test/bench/encoder_rivals.py --markdown docs/bench/encoder.md

All run on one core, in turn, with one thread and the same weights; a figure is the least processor time of all
rounds, so what else the machine does counts little. A rival that is not there is named and left out. Cosines are
against sentence-transformers (else ONNX Runtime fp32).
"""
import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
PEERS = Path(os.environ.get("RAGGED_PEERS", CACHE / "ragged-peers"))
sys.path.insert(0, str(Path(__file__).parent))

LENGTHS = (16, 64, 256)  # tokens with [CLS] and [SEP]
MIXED = (16, 256)
SEED = 20261124
QUESTION = b"how do I reset the admin password of the staging server?\n"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=CACHE / "ragged/models/all-MiniLM-L6-v2")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--made", type=Path, default=CACHE / "ragged/bench-models", help="converted models")
    parser.add_argument("--llama", type=Path, default=PEERS / "llama-server-0.5.0")
    parser.add_argument("--kernel", default="auto")
    parser.add_argument("--corpus", type=Path, help="texts: corpus.jsonl of a BEIR collection, or any text file")
    parser.add_argument("--rivals", help="only these, separated by commas")
    parser.add_argument("--seconds", type=float, default=20, help="for each case")
    parser.add_argument("--mixed", type=int, default=96, help="texts of mixed lengths")
    parser.add_argument("--accuracy", type=int, default=300, help="texts the cosines are of")
    parser.add_argument("--core", type=int, default=None)
    parser.add_argument("--json", type=Path, help="write everything that was measured")
    parser.add_argument("--markdown", type=Path, help="write the page")
    return parser.parse_args()


# ---- texts ----

def corpus_texts(path):
    if path is None:
        pages = [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
        return [" ".join(page.read_text(encoding="utf-8").split()) for page in pages]
    if path.suffix == ".jsonl":
        return [json.loads(line)["text"] for line in open(path, encoding="utf-8")]
    return [path.read_text(encoding="utf-8")]


class TextMaker:
    """Running words of the corpus, to an exact number of tokens."""

    def __init__(self, tokenizer, texts):
        self.words, self.at = " ".join(texts).split(), 0
        self.count = lambda word: len(tokenizer.encode(word, add_special_tokens=False).ids)

    def text(self, n_tokens):
        chosen, n_left = [], n_tokens - 2
        while n_left > 0:
            word = self.words[self.at % len(self.words)]
            self.at += 1
            n = self.count(word)
            if 0 < n <= n_left:
                chosen.append(word)
                n_left -= n
        return " ".join(chosen)


class Setup:
    """What rivals are made from: cases of texts, their ids, and converted models."""

    def __init__(self, arguments):
        try:
            from tokenizers import BertWordPieceTokenizer
        except ImportError:
            sys.exit("tokenizers is needed to cut texts to exact lengths: see the head of this file")
        self.model, self.made, self.llama = arguments.model, arguments.made, arguments.llama
        self.kernel, self.tool = arguments.kernel, arguments.build / "test/tools/encoder_bench"
        tokenizer = BertWordPieceTokenizer(str(self.model / "vocab.txt"))
        tokenizer.enable_truncation(256)
        dice, texts = random.Random(SEED), corpus_texts(arguments.corpus)
        maker = TextMaker(tokenizer, texts)
        self.cases = {"1x%d" % n: [maker.text(n)] for n in LENGTHS}
        self.cases["mixed"] = [maker.text(dice.randint(*MIXED)) for _ in range(arguments.mixed)]
        words = sorted({word for word in maker.words if word.isalpha() and maker.count(word)})
        short = dice.sample(words, min(len(words), arguments.accuracy // 3))
        self.cases["accuracy"] = short + [maker.text(dice.randint(4, 256))
                                          for _ in range(arguments.accuracy - len(short))]
        self.ids = {case: [tokenizer.encode(text).ids for text in texts] for case, texts in self.cases.items()}

    def n_tokens(self, case):
        return sum(map(len, self.ids[case]))

    def onnx_path(self, form=None):
        import rival_models

        plain = rival_models.made_once(self.made / "encoder.onnx",
                                       lambda path: rival_models.write_onnx(self.model, path))
        if form is None:
            return plain
        return rival_models.made_once(
            self.made / ("encoder-%s.onnx" % form),
            lambda path: rival_models.write_int8(plain, path, **rival_models.INT8_FORMS[form]))

    def transformers_folder(self):
        import rival_models

        return rival_models.made_once(
            self.made / "sentence-transformers",
            lambda path: rival_models.write_transformers_folder(self.model, path))

    def gguf_path(self, is_q8):
        import rival_models

        return rival_models.made_once(self.made / ("encoder-%s.gguf" % ("q8" if is_q8 else "f32")),
                                      lambda path: rival_models.write_gguf(self.model, path, is_q8))


# ---- measuring ----

def gather(setup, wanted):
    from rivals import ROWS, Missing

    found, missing = [], {}
    for name, makers in ROWS.items():
        if wanted and name not in wanted:
            continue
        for make in makers:
            try:
                found.append(make(setup))
            except Missing as error:
                missing[name] = str(error)
                say("left out: %s (%s)" % (name, error))
    return found, missing


def columns_of(setup):
    """(column, case, way): single texts have one way."""
    single = [("%s" % case, case, "each") for case in setup.cases if case.startswith("1x")]
    return single + [("mixed one by one", "mixed", "each"), ("mixed batched", "mixed", "batched")]


def measure_column(rivals, case, way, seconds, n):
    """Rivals in turn, at least two rounds."""
    least, deadline, n_rounds = {}, time.monotonic() + seconds, 0
    while n_rounds < 2 or time.monotonic() < deadline:
        for rival in rivals:
            if way in rival.ways:
                took = rival.run(case, way, n)
                least[rival.name] = min(took, least.get(rival.name, took))
        n_rounds += 1
    return least


def measure(setup, rivals, seconds):
    times = {}
    for column, case, way in columns_of(setup):
        n = max(1, 1500 // setup.n_tokens(case))
        times[column] = measure_column(rivals, case, way, seconds, n)
        say("%-16s %6d tokens  %s" % (column, setup.n_tokens(case), "  ".join(
            "%s %.2f ms" % (name, ns / 1e6) for name, ns in times[column].items())))
    return times


def cosines(rivals):
    import numpy as np

    vectors = {rival.name: rival.vectors("accuracy").astype(np.float64) for rival in rivals}
    order = ["sentence-transformers", "ONNX Runtime fp32", *vectors]
    reference = next(name for name in order if name in vectors)
    found = {}
    for name, rows in vectors.items():
        each = (rows * vectors[reference]).sum(axis=1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(
            vectors[reference], axis=1)
        found[name] = {"mean": float(each.mean()), "worst": float(each.min())}
    return reference, found


def cold_start(command, n_runs, text=b"", environment=None):
    """From exec to the first line of output; processor time and memory of the whole process."""
    best = None
    for _ in range(n_runs):
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=environment)
        process.stdin.write(text)
        process.stdin.flush()
        line = process.stdout.readline()
        wall = (time.perf_counter() - started) * 1e3
        process.stdin.close()
        process.stdout.read()
        usage = os.wait4(process.pid, 0)[2]
        process.returncode = 0
        if not line:
            return None
        run = {"wall_ms": wall, "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1e3,
               "peak_mib": usage.ru_maxrss / 1024}
        best = run if best is None else {key: min(run[key], best[key]) for key in run}
    return best


def cold_starts(setup, arguments, rivals):
    script = str(Path(__file__).parent / "cold_start.py")
    environment = {**os.environ, "RAGGED_MODEL_DIR": str(arguments.model.parent)}
    found = {"ragged": cold_start([arguments.build / "ragged", "embed", "--query"], 10, QUESTION, environment)}
    for rival in rivals:
        if rival.name.startswith("ONNX Runtime"):
            form = rival.name.partition("int8 ")[2] or None
            found[rival.name] = cold_start([sys.executable, script, "onnxruntime", str(setup.model),
                                            str(setup.onnx_path(form))], 3)
        elif rival.name == "sentence-transformers":
            found[rival.name] = cold_start([sys.executable, script, rival.name,
                                            str(setup.transformers_folder())], 2)
        elif hasattr(rival, "cold"):
            found[rival.name] = rival.cold
    return {name: cold for name, cold in found.items() if cold}


# ---- telling ----

def say(text):
    print(text, file=sys.stderr, flush=True)


def cpu_name():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def ratio(result, column, name):
    """Of many texts each program is taken the fastest way it has: ragged packs them in one call."""
    against = "mixed batched" if column.startswith("mixed") else column
    times, ours = result["ns"], result["ns"][against].get("ragged")
    return times[column][name] / ours if ours and name in times[column] else None


def table(result):
    columns = list(result["ns"])
    head = ["", *columns, "worst cosine", "mean cosine", "exec to first vector"]
    lines = ["| %s |" % " | ".join(head), "|%s|" % "|".join(["---"] * len(head))]
    for name in result["rivals"]:
        cells = []
        for column in columns:
            ns, times = result["ns"][column].get(name), ratio(result, column, name)
            cells.append("-" if ns is None else "%.4g ms" % (ns / 1e6) +
                         ("" if name == "ragged" or not times else " (%.2fx)" % times))
        cosine, cold = result["cosine"].get(name), result["cold"].get(name)
        cells += ["%.6f" % cosine["worst"], "%.6f" % cosine["mean"]] if cosine else ["-", "-"]
        cells.append("%.0f ms, cpu %.0f ms" % (cold["wall_ms"], cold["cpu_ms"]) if cold else "-")
        lines.append("| %s |" % " | ".join([name, *cells]))
    return "\n".join(lines)


def page(result):
    versions = "; ".join("%s: %s" % item for item in result["versions"].items())
    missing = "".join("- left out: %s (%s)\n" % item for item in result["missing"].items())
    return """# The encoder and its rivals

Written by `test/bench/encoder_rivals.py`; run it for your machine. One core of "%s", one thread each, the
same weights, in turn in one run; least processor time of all rounds, and how many times that of ragged.
Mixed: %d texts of %d to %d tokens, %d tokens in all; batched: in sorted padded batches of 32, for ragged all
in one call, which is also what "one by one" of the others is compared with. ragged's time holds its tokenizer,
ONNX Runtime's does not. Cosines: %d texts, a third of them single words, against %s.

%s

- %s
%s""" % (result["cpu"], result["n_mixed"], *MIXED, result["n_mixed_tokens"], result["n_accuracy"],
         result["reference"], table(result), versions, missing)


def main():
    arguments = parse_arguments()
    core = arguments.core if arguments.core is not None else max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    setup = Setup(arguments)
    rivals, missing = gather(setup, arguments.rivals and set(arguments.rivals.split(",")))
    try:
        reference, cosine = cosines(rivals)
        times = measure(setup, rivals, arguments.seconds)
        cold = cold_starts(setup, arguments, rivals)
    finally:
        for rival in rivals:
            rival.close()
    result = {
        "cpu": cpu_name(), "core": core, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "rivals": [rival.name for rival in rivals],
        "versions": {rival.program: rival.version for rival in rivals}, "missing": missing,
        "n_mixed": arguments.mixed, "n_mixed_tokens": setup.n_tokens("mixed"),
        "n_accuracy": arguments.accuracy, "reference": reference,
        "ns": times, "cosine": cosine, "cold": cold,
    }
    result["ratios"] = {column: {name: ratio(result, column, name) for name in row}
                        for column, row in times.items()}
    print(table(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    if arguments.markdown:
        arguments.markdown.parent.mkdir(parents=True, exist_ok=True)
        arguments.markdown.write_text(page(result))


if __name__ == "__main__":
    main()
