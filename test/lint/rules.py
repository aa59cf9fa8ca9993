#!/usr/bin/env python3
"""The rules of the house that a program can check by reading: prints "file:line: sentence"."""
import fnmatch
import os
import re
import sys

FUNCTION_LINES_MAX = 80
FILE_LINES_MAX = 600
DOOR_LINES_MAX = 300
HERE = os.path.dirname(os.path.abspath(__file__))
OPEN_TO_ALL = ("sys/", "linux/", "arpa/", "netinet/", "asm/")
FOLDERS_NOT_OURS = ("build", ".git", "__pycache__", ".pytest_cache")
TEXT_ENDINGS = (".c", ".h", ".py", ".sh", ".md", ".txt", ".1")

problems = []
excepted = set()


def say(path, line, sentence):
    problems.append("%s:%d: %s" % (path, line, sentence))


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def tree(folder):
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in FOLDERS_NOT_OURS)
        for name in sorted(files):
            yield os.path.relpath(os.path.join(root, name), ".")


def table_rows(name):
    for line in read(os.path.join(HERE, name)).splitlines():
        if line and not line.startswith("#"):
            yield line


def load_edges():
    """Of each room what it may open; an indented row goes on with the one before."""
    edges = {}
    room = None
    for row in table_rows("edges.txt"):
        if not row.startswith(" "):
            room, _, row = row.partition(":")
            edges[room] = []
        edges[room] += row.split()
    return edges


def load_banned():
    for row in table_rows("banned.txt"):
        names, where, remedy = (cell.strip() for cell in row.split("|"))
        yield names.split(), [] if where == "-" else where.split(), remedy


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """Comments and literals become blanks; every line keeps its number."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def is_open(header, allowed):
    other, _, name = header.partition("/")
    is_door = other == "base" or name == other + ".h"
    return (other if is_door else header[:-2]) in allowed


def check_include(path, line, room, target, edges):
    if target.startswith("<"):
        # The C library's and the kernel's headers live in folders that no library of ours uses.
        owners = [r for r, allowed in edges.items() if any(
            a.startswith("<") and fnmatch.fnmatch(target, a) for a in allowed)]
        name = target[1:-1]
        is_system = name.startswith(OPEN_TO_ALL) or name in C_LIBRARY
        if not is_system and room not in owners:
            say(path, line, "%s/ may not include %s" % (room, target))
        return
    header = target[1:-1]
    other = header.split("/")[0]
    if "/" not in header or other not in edges:
        say(path, line, 'write the include as "<room>/<file>.h", not %s' % target)
    elif other != room and not is_open(header, edges[room]):
        if any(allowed.partition("/")[0] == other for allowed in edges[room]):
            say(path, line, "%s is not open to %s/" % (target, room))
        else:
            say(path, line, "%s/ may not open the door of %s/" % (room, other))


C_LIBRARY = set("""
assert.h cpuid.h ctype.h dirent.h dlfcn.h elf.h endian.h errno.h execinfo.h fcntl.h float.h fnmatch.h ftw.h getopt.h glob.h iconv.h
immintrin.h inttypes.h langinfo.h libgen.h limits.h link.h locale.h malloc.h math.h netdb.h poll.h pthread.h pwd.h
arm_neon.h sched.h search.h semaphore.h setjmp.h signal.h spawn.h stdalign.h stdarg.h stdatomic.h stdbool.h
stddef.h stdint.h stdio.h stdlib.h string.h strings.h syscall.h termios.h time.h unistd.h wchar.h
""".split())


def check_includes(path, text, edges):
    room = path.split("/")[1]
    if room not in edges:
        say(path, 1, "%s/ has no row in test/lint/edges.txt" % room)
        return
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(<[^>]+>|"[^"]+")', text, re.M):
        check_include(path, line_of(text, match.start()), room, match.group(1), edges)


def check_banned(path, code, banned):
    below = path.split("/", 1)[1]
    for names, where, remedy in banned:
        if any(fnmatch.fnmatch(below, glob) for glob in where):
            continue
        for match in re.finditer(r"(?<![\w.>])(%s)[ \t]*\(" % "|".join(names), code):
            say(path, line_of(code, match.start()), "%s() is banned: %s" % (match.group(1), remedy))


def check_functions(path, code):
    start = None
    for number, line in enumerate(code.split("\n"), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start + 1 > FUNCTION_LINES_MAX:
                say(path, start, "function of %d lines, the limit is %d"
                    % (number - start + 1, FUNCTION_LINES_MAX))
            start = None


def check_state(path, code):
    """Variables of file or program scope that can change: state nobody passed in."""
    for match in re.finditer(r"^(?:static )?(?:_Atomic )?(?:struct |enum |unsigned )?\w+ \**\w+(?:\[.*\])*"
                             r"(?: =|;)", code, re.M):
        first = match.group().split()
        if "const" in first or first[0] in ("typedef", "return", "extern", "struct") and \
                not match.group().rstrip().endswith(("=", ";")):
            continue
        if "pthread_once_t" in first or re.match(r"(struct|enum) \w+;", match.group()):
            continue
        say(path, line_of(code, match.start()), "variable of file scope that can change: pass it in")


def check_header(path, text):
    guard = "RAGGED_%s_H" % re.sub(r"\W", "_", path.split("/", 1)[1][:-2]).upper()
    if "#pragma once" in text:
        say(path, 1, "#pragma once: use the include guard %s" % guard)
    elif path.startswith("src/") and "#ifndef %s\n#define %s\n" % (guard, guard) not in text:
        say(path, 1, "the include guard must be %s" % guard)
    if path.startswith("src/") and not text.startswith("/*"):
        say(path, 1, "a header begins with a comment that says what it is")
    if text.count("\n") > DOOR_LINES_MAX:
        say(path, 1, "header of %d lines, the limit is %d" % (text.count("\n"), DOOR_LINES_MAX))


def load_exceptions():
    for row in table_rows("exceptions.txt"):
        yield tuple(row.partition("|")[0].split())


def check_c_file(path, edges, banned):
    text = read(path)
    code = code_only(text)
    if text.count("\n") > FILE_LINES_MAX and ("size", path) not in excepted:
        say(path, 1, "file of %d lines, the limit is %d" % (text.count("\n"), FILE_LINES_MAX))
    check_functions(path, code)
    if path.endswith(".h"):
        check_header(path, text)
    if path.startswith("src/"):
        check_includes(path, text, edges)
        check_banned(path, code, banned)
        if ("state", path) not in excepted:
            check_state(path, code)


MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|root|home/(?!me/)\w+|Users/\w+|tmp/wt|tmp/peers)/")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def check_text_file(path):
    text = read(path)
    if text and not text.endswith("\n"):
        say(path, text.count("\n") + 1, "no newline at the end")
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip() and not path.endswith(".md"):
            say(path, number, "blanks at the end of the line")
        if MACHINE_PATH.search(line):
            say(path, number, "path of one machine")
        if UNFINISHED.search(line):
            say(path, number, "unfinished work belongs in an issue")


def is_script(path):
    if os.path.splitext(path)[1]:
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def main():
    edges, banned = load_edges(), list(load_banned())
    excepted.update(load_exceptions())
    for path in tree("."):
        if path.startswith(("test/fixtures/", "test/golden/")) or os.path.islink(path):
            continue
        if path.endswith((".c", ".h")) and path.startswith(("src/", "test/")):
            check_c_file(path, edges, banned)
        if path.endswith(TEXT_ENDINGS) or path == "Makefile" or is_script(path):
            check_text_file(path)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
