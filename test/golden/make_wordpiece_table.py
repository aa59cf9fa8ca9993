#!/usr/bin/env python3
"""Writes src/nn/wordpiece_table.c from the codepoints tables here; --check: only compares."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# In the order of enum casing (src/nn/model_config.h).
SOURCES = [
    ("uncased", "minilm_codepoints.tsv"),
    ("cased", "codepoints_cased.tsv"),
    ("lower", "codepoints_lower.tsv"),
    ("stripped", "codepoints_stripped.tsv"),
]
TARGET = HERE.parent.parent / "src" / "nn" / "wordpiece_table.c"

PAGE_BITS = 7  # WORDPIECE_PAGE_BITS of wordpiece_table.h
N_PAGES = 0x110000 >> PAGE_BITS
# enum wordpiece_action
ACTIONS = {"drop": 1, "drop+stop": 2, "space": 3, "cjk": 4, "punct": 5, "hangul": 6, "mark": 7}
FIRST_MAP = 8  # WORDPIECE_ACTION_MAP
LAST = 0x80000000  # WORDPIECE_RESULT_LAST

HEADER = """\
/* Written by test/golden/make_wordpiece_table.py from the tables beside it: do not edit. */
#include "nn/wordpiece_table.h"

/* clang-format off */
"""


def read_actions(source, results, offsets):
    """The action of each code point; what maps lead to is added to `results`."""
    values = [0] * 0x110000
    for line in (HERE / source).read_text(encoding="ascii").splitlines():
        first, last, action, *rest = line.split("\t")
        if action in ACTIONS:
            value = ACTIONS[action]
        else:
            key = rest[0]
            if key not in offsets:
                offsets[key] = len(results)
                points = [int(p, 16) for p in key.split()]
                points[-1] |= LAST
                results.extend(points)
            value = FIRST_MAP + offsets[key]
        for codepoint in range(int(first, 16), int(last, 16) + 1):
            values[codepoint] = value
    return values


def array(declaration, numbers, form, per_line):
    rows = [numbers[i:i + per_line] for i in range(0, len(numbers), per_line)]
    body = "\n".join("    " + " ".join(form % n + "," for n in row) for row in rows)
    return f"const {declaration} = {{\n{body}\n}};\n"


def render():
    """Pages and results are shared by all casings."""
    results, offsets, pages, parts = [], {}, {}, [HEADER]
    for casing, source in SOURCES:
        values, index = read_actions(source, results, offsets), []
        for i in range(N_PAGES):
            page = tuple(values[i << PAGE_BITS:(i + 1) << PAGE_BITS])
            index.append(pages.setdefault(page, len(pages)))
        parts.append(array(f"uint16_t wordpiece_pages_{casing}[WORDPIECE_N_PAGES]", index, "%d", 24))
    assert FIRST_MAP + len(results) <= 0xFFFF and len(pages) <= 0xFFFF
    flat = [value for page in pages for value in page]
    parts.append(array("uint16_t wordpiece_actions[]", flat, "%d", 16))
    parts.append(array("uint32_t wordpiece_results[]", results, "0x%X", 8))
    return "\n".join(parts)


def main():
    text = render()
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text(encoding="ascii") != text:
            sys.exit(f"{TARGET.name} does not match its sources: run {Path(__file__).name}")
    else:
        TARGET.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
