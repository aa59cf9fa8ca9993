"""The programs that encoder_rivals.py lets run side by side.

Each has `name`, `program`, `version`, `ways` (how it takes many texts: "each" one by one, "batched" as it likes best), `run(case, way,
n)` = least processor time of n in ns, `vectors(case)` and `close()`. A constructor that raises Missing says why
the rival is left out.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np

import rival_models

BATCH, N_TOKENS_MAX = 32, 256


class Missing(Exception):
    pass


def imported(name):
    try:
        return __import__(name)
    except ImportError as error:
        raise Missing("python package %s: %s" % (name, error)) from error


def least_ns(action, n):
    """Of this process, all its threads."""
    least = None
    for _ in range(n):
        started = time.process_time_ns()
        action()
        took = time.process_time_ns() - started
        least = took if least is None else min(least, took)
    return least


class Ragged:
    """The encoder alone, through test/tools/encoder_bench.c; it tokenizes within its time."""

    name = program = "ragged"
    ways = ("each", "batched")

    def __init__(self, setup):
        if not setup.tool.exists():
            raise Missing("%s: make check-unit, or make %s" % (setup.tool, setup.tool))
        self.cases, self.folder = list(setup.cases), tempfile.TemporaryDirectory()
        self.n_texts = {name: len(texts) for name, texts in setup.cases.items()}
        paths = []
        for name, texts in setup.cases.items():
            paths.append(Path(self.folder.name) / name)
            paths[-1].write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        self.process = subprocess.Popen([setup.tool, setup.model, setup.kernel, *paths], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready = self.process.stdout.readline().split()
        if not ready:
            raise Missing("encoder_bench did not start")
        self.version = "kernel %s, %s" % (ready[1], ready[2])

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def run(self, case, way, n):
        return self.ask({"each": "each", "batched": "whole"}[way], self.cases.index(case), n)

    def vectors(self, case):
        path = Path(self.folder.name) / "vectors"
        self.ask("write", self.cases.index(case), path)
        return np.fromfile(path, "<f4").reshape(self.n_texts[case], -1)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


class OnnxRuntime:
    """One session; texts were tokenized before the clock starts."""

    program, ways = "ONNX Runtime", ("each", "batched")

    def __init__(self, setup, form=None):
        runtime = imported("onnxruntime")
        imported("onnx")
        path = setup.onnx_path(form)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.name = "ONNX Runtime " + ("int8 " + form if form else "fp32")
        self.version = runtime.__version__
        self.feeds = {case: {"each": [self.feed([one]) for one in ids],
                             "batched": [self.feed(part) for part in sorted_batches(ids)]}
                      for case, ids in setup.ids.items()}

    @staticmethod
    def feed(ids):
        padded = np.zeros((len(ids), max(map(len, ids))), np.int64)
        mask = np.zeros_like(padded)
        for i, one in enumerate(ids):
            padded[i, :len(one)], mask[i, :len(one)] = one, 1
        return {"input_ids": padded, "attention_mask": mask}

    def run(self, case, way, n):
        feeds = self.feeds[case][way]
        return least_ns(lambda: [self.session.run(None, feed) for feed in feeds], n)

    def vectors(self, case):
        return np.concatenate([self.session.run(None, feed)[0] for feed in self.feeds[case]["each"]])

    def close(self):
        pass


def sorted_batches(ids):
    ordered = sorted(ids, key=len)
    return [ordered[at:at + BATCH] for at in range(0, len(ordered), BATCH)]


class SentenceTransformers:
    """encode(), which tokenizes within its time and sorts by length itself."""

    name = program = "sentence-transformers"
    ways = ("each", "batched")

    def __init__(self, setup):
        os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", TOKENIZERS_PARALLELISM="false")
        torch, library = imported("torch"), imported("sentence_transformers")
        torch.set_num_threads(1)
        sys.modules["transformers"].logging.disable_progress_bar()
        self.model = library.SentenceTransformer(str(setup.transformers_folder()), device="cpu")
        self.cases = setup.cases
        self.version = "%s, torch %s" % (library.__version__, torch.__version__)

    def encode(self, texts, batch_size):
        return self.model.encode(texts, batch_size=batch_size, normalize_embeddings=True,
                                 show_progress_bar=False)

    def run(self, case, way, n):
        texts = self.cases[case]
        if way == "batched":
            return least_ns(lambda: self.encode(texts, BATCH), n)
        return least_ns(lambda: [self.encode([text], 1) for text in texts], n)

    def vectors(self, case):
        return self.encode(self.cases[case], BATCH)

    def close(self):
        pass


class LlamaServer:
    """llama-server of test/peers; its own processor time, so HTTP on its side is in it."""

    program, ways = "llama.cpp", ("each",)

    def __init__(self, setup, is_q8=False):
        imported("gguf")
        if not (setup.llama / "llama-server").exists():
            raise Missing("llama-server: test/peers/llama-server-up builds it")
        self.name = "llama.cpp " + ("Q8_0" if is_q8 else "f32")
        self.version = setup.llama.name.rpartition("-")[2]
        self.cases = setup.cases
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % port
        model, started = setup.gguf_path(is_q8), time.perf_counter()
        self.process = subprocess.Popen(
            [setup.llama / "llama-server", "-m", model, "--host", "127.0.0.1", "--port", str(port), "-t", "1",
             "--embeddings", "--pooling", "mean", "-c", "512", "-b", "512", "-ub", "512", "-np", "1"],
            cwd=setup.llama / "lib", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until_up()
        self.ask("how do I reset the admin password of the staging server?")
        self.cold = {"wall_ms": (time.perf_counter() - started) * 1e3, "cpu_ms": self.cpu_ns() / 1e6}

    def wait_until_up(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url + "/health", timeout=2).read()
                return
            except OSError:
                time.sleep(0.01)
        self.close()
        raise Missing("llama-server did not start")

    def ask(self, text):
        body = json.dumps({"content": text}).encode()
        request = urllib.request.Request(self.url + "/embedding", body, {"Content-Type": "application/json"})
        found = json.load(urllib.request.urlopen(request, timeout=60))
        found = found[0] if isinstance(found, list) else found
        return np.array(found["embedding"], np.float32).reshape(-1)

    def cpu_ns(self):
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in Path("/proc/%d/task" % self.process.pid).iterdir())

    def run(self, case, way, n):
        least = None
        for _ in range(n):
            started = self.cpu_ns()
            for text in self.cases[case]:
                self.ask(text)
            took = self.cpu_ns() - started
            least = took if least is None else min(least, took)
        return least

    def vectors(self, case):
        rows = np.stack([self.ask(text) for text in self.cases[case]])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def close(self):
        self.process.kill()
        self.process.wait()


# Name on the command line: the rivals behind it, ragged first.
ROWS = {
    "ragged": [lambda setup: Ragged(setup)],
    "onnxruntime": [lambda setup: OnnxRuntime(setup)],
    "onnxruntime-int8": [lambda setup, form=form: OnnxRuntime(setup, form)
                         for form in rival_models.INT8_FORMS],
    "sentence-transformers": [lambda setup: SentenceTransformers(setup)],
    "llama.cpp": [lambda setup: LlamaServer(setup), lambda setup: LlamaServer(setup, is_q8=True)],
}
