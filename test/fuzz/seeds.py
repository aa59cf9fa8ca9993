#!/usr/bin/env python3
"""seeds.py NAME FOLDER - small sound files for a fuzz driver to begin with."""

import base64
import json
import struct
import sys
from pathlib import Path

TEXT = b"\0Un mot, ABC [MASK]  \xc3\xa9\xcc\x81 \xe2\x96\x81 <s>X \xe4\xbd\xa0 a b"


def safetensors():
    shapes = {"embeddings.word_embeddings.weight": [3, 2], "embeddings.position_embeddings.weight": [4, 2],
              "embeddings.token_type_embeddings.weight": [1, 2], "embeddings.LayerNorm.weight": [2],
              "embeddings.LayerNorm.bias": [2], "pooler.dense.weight": [2, 2], "pooler.dense.bias": [2],
              "classifier.weight": [1, 2], "classifier.bias": [1]}
    for part in ("attention.self.query", "attention.self.key", "attention.self.value",
                 "attention.output.dense", "intermediate.dense", "output.dense"):
        shapes["encoder.layer.0.%s.weight" % part] = [2, 2]
        shapes["encoder.layer.0.%s.bias" % part] = [2]
    for part in ("attention.output.LayerNorm", "output.LayerNorm"):
        shapes["encoder.layer.0.%s.weight" % part] = [2]
        shapes["encoder.layer.0.%s.bias" % part] = [2]
    for names in (["classifier.bias"], list(shapes)):
        header, at = {"__metadata__": {"format": "pt"}}, 0
        for name in names:
            size = 4
            for n in shapes[name]:
                size *= n
            header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [at, at + size]}
            at += size
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        yield struct.pack("<Q", len(text)) + text + bytes(at)


def vocabulary():
    pieces = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##mot\nm\n##ot\na\nb\n,\n\u00e9\n\u4f60\n##\u0301\n"
    yield pieces.encode() + TEXT
    yield pieces.replace("\n", "\r\n").encode() + TEXT


def charsmaps():
    """"X" becomes "xy"."""
    units = [0x80000000] * 0x159
    units[0] = 0x100 << 10
    units[0x100 ^ 0x58] = 0x58 | 1 << 8 | 0x58 << 10
    yield struct.pack("<I", 4 * len(units)) + struct.pack("<%dI" % len(units), *units) + b"xy\0"
    yield struct.pack("<II", 4, 0) + b"\0"


def tokenizer():
    vocab = [["<s>", 0], ["<unk>", 0], ["</s>", 0], ["\u2581", -2.5], ["a", -3], ["\u2581a", -4], ["b", -5],
             ["ab", -6.25], ["xy", -3], ["\u00e9", -7]]
    whitespace = {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"}]}
    single = [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]
    template = {"type": "TemplateProcessing", "single": single, "pair": single * 2,
                "special_tokens": {"<s>": {"ids": [0]}, "</s>": {"ids": [2]}}}
    small = base64.b64encode(next(charsmaps())).decode()
    value = {"added_tokens": [{"id": 0, "content": "<s>", "lstrip": True, "rstrip": True}],
             "normalizer": {"type": "Precompiled", "precompiled_charsmap": small},
             "pre_tokenizer": whitespace, "post_processor": template,
             "model": {"type": "Unigram", "unk_id": 1, "vocab": vocab}}
    yield json.dumps(value).encode() + TEXT
    value["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}]}
    value["pre_tokenizer"] = whitespace["pretokenizers"][1]
    value["post_processor"] = {"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 2]}
    yield json.dumps(value, ensure_ascii=False).encode() + TEXT


SEEDS = {"safetensors": safetensors, "vocabulary": vocabulary, "charsmap": charsmaps, "tokenizer": tokenizer}


def main():
    name, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(SEEDS[name]()):
        (folder / ("seed-%d" % i)).write_bytes(seed)


if __name__ == "__main__":
    main()
