"""The pages say what the program says: commands, options, formats, keys, exit codes."""

import re

import pytest

from driver import ROOT

MAN = ROOT / "docs" / "man" / "ragged.1"
CONFIG = ROOT / "docs" / "config.md"


@pytest.fixture
def told(ragged):
    return ragged.json("help")


def plain(text):
    """A man page without its markup."""
    text = re.sub(r"\\f[A-Z]", "", text)
    text = re.sub(r"^\.(B|I|BR|IR|RI|RB|TP|SS|SH|PP)\b ?", "", text, flags=re.M)
    return text.replace("\\-", "-").replace("\\&", "")


def names(option):
    return ["-" + letter for letter in option["letters"] or ""] + \
        ["--" + name for name in [option["name"], *option["aliases"]]]


def sections(text):
    """Body of each `ragged COMMAND` section of the man page."""
    found = {}
    for part in re.split(r"^\.S[SH] ", text, flags=re.M):
        head, _, body = part.partition("\n")
        if head.startswith("ragged "):
            found[plain(head).split()[1]] = plain(body)
    return found


def test_man_page_has_every_command_option_and_format(told):
    text = MAN.read_text()
    parts = sections(text)
    assert set(parts) == {command["name"] for command in told["commands"]}
    general = plain(text[text.index(".SH OPTIONS"):text.index(".SH COMMANDS")])
    for option in told["options"]:
        assert ", ".join(names(option)) in general
    for command in told["commands"]:
        part = parts[command["name"]]
        for option in command["options"]:
            assert ", ".join(names(option)) in part, (command["name"], option["name"])
        documented = re.findall(r"\n\n(?:-\w, )*--([\w-]+)", part)
        assert sorted(documented) == sorted(option["name"] for option in command["options"])
        for verb in command["verbs"]:
            assert "ragged %s %s" % (command["name"], verb) in part
        for alias in command["aliases"]:
            assert re.search(r"\b%s\b" % alias, part)
        assert "Formats: %s." % ", ".join(command["formats"]) in part


def test_man_page_has_every_exit_code_key_and_variable(told):
    text = plain(MAN.read_text())
    for row in told["exit_codes"]:
        assert re.search(r"^%d\n%s" % (row["code"], re.escape(row["meaning"][1:])), text.replace(
            row["meaning"][0].upper() + row["meaning"][1:], row["meaning"][1:]), flags=re.M)
    for key in told["config"]:
        assert re.search(r"^%s$" % key["name"], text, flags=re.M)
        for name in key["environment"]:
            assert name in text


def test_config_page_is_the_table_of_the_program(told):
    rows = {}
    for line in CONFIG.read_text().splitlines():
        match = re.match(r"\| `([a-z_]+)` \| (.*?) \| (.*?) \| (.*?) \| (.*) \|$", line)
        if match:
            rows[match.group(1)] = match.groups()[1:]
    assert list(rows) == [key["name"] for key in told["config"]]
    for key in told["config"]:
        values, default, environment, text = rows[key["name"]]
        assert values == (key["values"].replace("|", ", ") or "text")
        assert default.strip("`") == (key["default"] or "empty")
        assert re.findall(r"`(\w+)`", environment) == key["environment"]
        assert text.startswith(key["help"]) and ("secret" in text) == key["secret"]


def test_help_shows_every_option(ragged, told):
    for command in told["commands"]:
        shown = ragged.run("help", command["name"]).stdout
        assert shown == ragged.run(command["name"], "--help").stdout
        for option in command["options"] + told["options"]:
            assert ", ".join(names(option)) in shown and option["help"] in shown
    for key in told["config"]:
        assert key["name"] in ragged.run("help", "config").stdout


def test_pages_have_every_feature(ragged):
    flags = [row["feature"] for row in ragged.json("feature-flags", "list")["flags"]]
    page = (ROOT / "docs" / "features.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", page.split("## Working")[0], flags=re.M) == flags
    man = plain(MAN.read_text())
    for name in flags:
        assert re.search(r"^%s$" % name, man, flags=re.M)
