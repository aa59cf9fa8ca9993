"""Texts for tokenizers, their ids by the program, and the folders of models without weights."""

import json
import random
import struct
import subprocess

from driver import build_folder

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
RANGES = [(0x20, 0x7F), (0, 0x250), (0x250, 0x3000), (0x3000, 0x3400), (0xAC00, 0xD7A4),
          (0x4E00, 0x5000), (0xF900, 0x10000), (0x10000, 0x20000), (0, 0x110000)]
MARKS = [0x300, 0x301, 0x308, 0x327, 0x345, 0x64B, 0x93C, 0x94D, 0x200D, 0xFE0F, 0x302E, 0x1D165, 0x8D4, 0x34F]
SPACES = [0x20, 0x20, 0x20, 0x9, 0xA, 0xD, 0xA0, 0x2003, 0x3000, 0x2581]


def random_char(rng):
    kind = rng.random()
    if kind < 0.15:
        return chr(rng.choice(SPACES))
    if kind < 0.25:
        return chr(rng.choice(MARKS))
    if kind < 0.5:
        return rng.choice("etaoinshrdlu ETAOINé")
    first, last = rng.choice(RANGES)
    codepoint = rng.randrange(first, last)
    return chr(codepoint) if not 0xD800 <= codepoint <= 0xDFFF else "\ufffd"


def random_texts(n, seed, special=SPECIAL):
    """Unicode without regard for sense: all planes, marks anywhere, special tokens written out."""
    rng = random.Random(seed)
    texts = []
    for _ in range(n):
        text = "".join(random_char(rng) for _ in range(rng.randrange(40)))
        if rng.random() < 0.1:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(special) + text[at:]
        texts.append(text)
    return texts


def run_token_ids(folder, texts, *words):
    """What test/tools/token_ids.c answers, record by record."""
    records = b"".join(struct.pack("<I", len(data)) + data for data in map(str.encode, texts))
    done = subprocess.run([build_folder() / "test" / "tools" / "token_ids", folder, *words],
                          input=records, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    at = 0
    while at < len(done.stdout):
        n, = struct.unpack_from("<I", done.stdout, at)
        yield list(struct.unpack_from("<%di" % n, done.stdout, at + 4))
        at += 4 + 4 * n


def token_ids(folder, texts):
    found = list(run_token_ids(folder, texts))
    assert len(found) == len(texts)
    return found


def assert_same_pairs(folder, reference, pairs, n_max, has_types=True):
    """Ids and types of whole pairs; the second text is what is cut."""
    reference.enable_truncation(n_max, strategy="only_second")
    expected = reference.encode_batch(pairs)
    found = run_token_ids(folder, [text for pair in pairs for text in pair], "--pairs", str(n_max))
    for pair, row in zip(pairs, expected):
        assert next(found) == row.ids, pair
        types = next(found)
        assert types == row.type_ids or not has_types, pair
    assert next(found, None) is None


def assert_same_ids(folder, reference, texts):
    expected = [row.ids for row in reference.encode_batch(texts, add_special_tokens=False)]
    found = token_ids(folder, texts)
    wrong = [i for i in range(len(texts)) if found[i] != expected[i]]
    for i in wrong[:5]:
        print(ascii(texts[i]), "\n  found   ", found[i], "\n  expected", expected[i])
    assert not wrong, "%d of %d texts have other ids" % (len(wrong), len(texts))


def write_model(folder, n_vocabulary, **files):
    """A model folder as far as tokenizers read it; files: name without ".json" = value."""
    folder.mkdir()
    config = {"model_type": "bert", "num_hidden_layers": 1, "hidden_size": 8,
              "num_attention_heads": 1, "intermediate_size": 8, "vocab_size": n_vocabulary,
              "max_position_embeddings": 512, "type_vocab_size": 2}
    for name, value in {"config": config, **files}.items():
        (folder / (name + ".json")).write_text(json.dumps(value))
    return folder
