"""Unigram ids (the XLM-R family) against the reference implementation, in bulk.

The vocabularies are trained here, on the project's own pages; the normaliser is the one that
sentencepiece gives its models. RAGGED_TEST_UNIGRAM: a tokenizer.json of a real model to compare, too.
"""

import json
import os
import random
import shutil
import subprocess

import pytest

from driver import ROOT, build_folder, is_sanitized
from tokens import assert_same_ids, assert_same_pairs, random_texts, token_ids, write_model

tokenizers = pytest.importorskip("tokenizers", reason="the reference, tokenizers, is not installed")
sentencepiece = pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")

from tokenizers import AddedToken, Regex, normalizers, pre_tokenizers  # noqa: E402

N_TEXTS = 3000 if is_sanitized() else 100000
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
LIMIT_NS = 400


def fields(message):
    """The fields of a protocol buffer: number, and bytes or an integer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        else:
            size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
            value = message[at:at + size]
            at += size
        yield key >> 3, value


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(pieces with scores in the order of the XLM-R family, the map of nmt_nfkc)"""
    folder = tmp_path_factory.mktemp("spm")
    pages = [page.read_text(encoding="utf-8") for page in sorted(ROOT.rglob("*.md"))]
    sample = "\n".join(random_texts(300, seed=9, special=["x"]))
    (folder / "text").write_text("\n".join(pages) + sample, encoding="utf-8")
    sentencepiece.SentencePieceTrainer.Train(
        input=str(folder / "text"), model_prefix=str(folder / "spm"), vocab_size=2400,
        normalization_rule_name="nmt_nfkc", hard_vocab_limit=False, minloglevel=2)
    model = list(fields((folder / "spm.model").read_bytes()))
    charsmap = next(dict(fields(value))[2] for number, value in model if number == 3)
    processor = sentencepiece.SentencePieceProcessor(str(folder / "spm.model"))
    pieces = [(processor.IdToPiece(i), processor.GetScore(i)) for i in range(3, processor.GetPieceSize())]
    return [(piece, 0.0) for piece in SPECIAL[:4]] + pieces, charsmap


def older(charsmap):
    """How XLM-R and multilingual E5 are written."""
    return (normalizers.Precompiled(charsmap),
            pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]))


def newer(charsmap):
    return (normalizers.Sequence([normalizers.Precompiled(charsmap),
                                  normalizers.Replace(Regex(" {2,}"), " ")]),
            pre_tokenizers.Metaspace())


def whole(charsmap):
    """Nothing is split: one long word for the search."""
    return normalizers.Precompiled(charsmap), pre_tokenizers.Metaspace(split=False)


def make_tokenizer(pieces, parts):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, 3, False))
    tokenizer.normalizer, tokenizer.pre_tokenizer = parts
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.add_special_tokens(SPECIAL[:4] + [AddedToken("<mask>", lstrip=True, normalized=False)])
    return tokenizer


def save(tokenizer, folder):
    write_model(folder, tokenizer.get_vocab_size())
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.parametrize("form", [older, newer, whole])
def test_ids(trained, tmp_path, form):
    pieces, charsmap = trained
    tokenizer = make_tokenizer(pieces, form(charsmap))
    folder = save(tokenizer, tmp_path / "model")
    assert_same_ids(folder, tokenizer, random_texts(N_TEXTS, seed=3, special=SPECIAL))
    pages = [line for page in sorted(ROOT.rglob("*.md")) for line in page.read_text().splitlines()]
    assert_same_ids(folder, tokenizer, pages)


def test_pairs(trained, tmp_path):
    pieces, charsmap = trained
    tokenizer = make_tokenizer(pieces, older(charsmap))
    folder = save(tokenizer, tmp_path / "model")
    questions = [text[:12] for text in random_texts(2000, seed=6, special=SPECIAL)]
    pairs = list(zip(questions, random_texts(2000, seed=7, special=SPECIAL)))
    assert_same_pairs(folder, tokenizer, pairs, 64, has_types=False)  # RoBERTa has one type


def test_words_longer_than_any_window(trained, tmp_path):
    pieces, charsmap = trained
    tokenizer = make_tokenizer(pieces, older(charsmap))
    rng = random.Random(4)
    letters = "".join(piece for piece, _ in pieces[4:] if "\u2581" not in piece)
    texts = ["".join(rng.choice(letters) for _ in range(n)) for n in (5000, 8191, 8192, 30000, 100000)]
    assert_same_ids(save(tokenizer, tmp_path / "model"), tokenizer, texts)


def test_ways_that_never_meet_are_cut_somewhere(tmp_path):
    """Pieces of two and of three letters of a word of one letter: no cut is common to all ways."""
    pieces = [(piece, 0.0) for piece in SPECIAL[:4]]
    pieces += [("\u2581", -1.0), ("aa", -2.0), ("aaa", -3.0), ("a", -9.0)]
    tokenizer = make_tokenizer(pieces, (normalizers.Replace(Regex(" {2,}"), " "), pre_tokenizers.Metaspace()))
    folder = save(tokenizer, tmp_path / "model")
    text = "a" * 100000
    ids, = token_ids(folder, [text])
    lengths = {4: 0, 5: 2, 6: 3, 7: 1}
    assert sum(lengths[i] for i in ids) == len(text)
    assert len(ids) < 50010


def test_a_real_vocabulary(tmp_path):
    path = os.environ.get("RAGGED_TEST_UNIGRAM")
    if not path:
        pytest.skip("RAGGED_TEST_UNIGRAM is not set")
    tokenizer = tokenizers.Tokenizer.from_file(path)
    folder = write_model(tmp_path / "model", tokenizer.get_vocab_size())
    shutil.copy(path, folder / "tokenizer.json")
    assert_same_ids(folder, tokenizer, random_texts(N_TEXTS, seed=5, special=SPECIAL))


@pytest.mark.skipif(is_sanitized(), reason="sanitizers cost time")
def test_time_of_real_text(trained, tmp_path):
    pieces, charsmap = trained
    folder = save(make_tokenizer(pieces, older(charsmap)), tmp_path / "model")
    text = tmp_path / "text"
    text.write_text("\n".join(page.read_text() for page in sorted(ROOT.rglob("*.md"))) * 10)
    done = subprocess.run([build_folder() / "test" / "tools" / "token_ids", folder, "--time", text],
                          capture_output=True, text=True, check=True, timeout=600)
    print(done.stdout)
    assert float(done.stdout.split()[2]) < LIMIT_NS


BAD_FILES = [
    (lambda t: t["model"].update(type="BPE"), 'field "model" is of type "BPE"'),
    (lambda t: t["model"].update(byte_fallback=True), '"model.byte_fallback" is true'),
    (lambda t: t["model"].update(vocab=[]), '"model.vocab" has 0 pieces'),
    (lambda t: t["model"]["vocab"][7].append(1), '"model.vocab[7]" is not a pair'),
    (lambda t: t["model"].update(unk_id=None), '"model.unk_id" is missing or not an id'),
    (lambda t: t["model"].update(unk_id=999999), '"model.unk_id" is 999999 of'),
    (lambda t: t["normalizer"].update(type="NFKC"), 'field "normalizer" is of type "NFKC"'),
    (lambda t: t["normalizer"].update(precompiled_charsmap="AAAA"), "the size at offset 0"),
    (lambda t: t["normalizer"].update(precompiled_charsmap="A*AA"), "no base64 digit at offset 1"),
    (lambda t: t["normalizer"].update(precompiled_charsmap="BAAAAAAAAAD/AA=="),
     "the replacements at offset 8 are not UTF-8"),
    (lambda t: t.update(pre_tokenizer={"type": "ByteLevel"}), 'field "pre_tokenizer" is of type "ByteLevel"'),
    (lambda t: t["added_tokens"][0].update(id=-1), '"added_tokens[0].id" is missing or not an id'),
    (lambda t: t["added_tokens"][1].update(content=""), '"added_tokens[1].content" is missing'),
    (lambda t: t["added_tokens"][0].update(id=999999), "1000000 pieces, but the model has only"),
    (lambda t: t.update(post_processor=None), 'field "post_processor" is of type ""'),
]


@pytest.mark.parametrize("i", range(len(BAD_FILES)))
def test_bad_files_are_refused_with_the_field(trained, tmp_path, i):
    pieces, charsmap = trained
    folder = save(make_tokenizer(pieces, (normalizers.Precompiled(charsmap), pre_tokenizers.Metaspace())),
                  tmp_path / "model")
    spoil, sentence = BAD_FILES[i]
    value = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    spoil(value)
    (folder / "tokenizer.json").write_text(json.dumps(value))
    done = subprocess.run([build_folder() / "test" / "tools" / "token_ids", folder], input=b"",
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and sentence in done.stderr.decode(), done.stderr.decode()
