"""Messages: said in two languages, and no text to a person that is not translated."""

import ast
import copy
import os
import pickle
import re
import string
import subprocess
import sys
from pathlib import Path

import click
import pytest

import refresh_messages
from qpi import cli, console, messages
from qpi.errors import DefinitionError, Problem, UsageError, Where
from qpi.messages import Message, joined, said, say, translated

PACKAGE = Path(messages.__file__).parent
CATALOG = refresh_messages.stored()

# What a message is made by, and what takes one.
TAKERS = {"Problem", "Fault", "refuse", "read_with", "ValueError", "UsageError", "LedgerError", "ProofError", "QpiError",
          "TemplateError", "tell", "show", "echo", "_say", "_problem", "_unread", "_refusal"}  # fmt: skip
WORDS = re.compile(r"[A-Za-z]{2,} +[a-z]{2,}")
"""Two words of English one after the other: a sentence, or the beginning of one."""


def placeholders(template):
    return sorted({name for _, name, _, _ in string.Formatter().parse(template) if name is not None})


def test_a_message_is_its_english_text_and_says_itself_in_chinese():
    message = say("did you mean {word}?", word="P01")
    assert message == "did you mean P01?"
    assert translated(message, "zh") == "是否应为P01？"
    assert translated(message, "en") == message


def test_a_message_within_a_message_is_translated_too():
    inner = say("line {line}", line=3)
    assert translated(say("code {code} stands already at {place}", code="A", place=inner), "zh") == "代码A与第3行重复"


def test_messages_that_are_joined_stay_messages():
    both = joined("; {} ", [say("take it out"), say("line {line}", line=2)])
    assert both == "take it out; {} line 2"
    assert translated(both, "zh") == "请删去; {} 第2行"


def test_what_strangers_wrote_is_no_template():
    message = say('key "{name}" is unknown', name="{x} {0} %s")
    assert message == 'key "{x} {0} %s" is unknown'
    assert translated(message, "zh") == "没有键“{x} {0} %s”"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_message_is_one(again):
    message = again(say("did you mean {word}?", word="{x}"))
    assert isinstance(message, Message)
    assert (message, translated(message, "zh")) == ("did you mean {x}?", "是否应为{x}？")


def test_an_error_and_a_problem_say_themselves_in_either_language():
    problem = Problem(Where("a.yaml", 3, 7), say("no value"), say("take it out"))
    assert problem.text("zh") == "a.yaml:3:7: 没有值；请删去"
    assert problem.text("en") == str(problem) == "a.yaml:3:7: no value; take it out"
    assert DefinitionError([problem]).text("zh") == problem.text("zh")
    assert UsageError(say("no projects")).text("zh") == "没有项目"


def test_the_words_of_an_error_become_one_line():
    assert said(ValueError("a\nb")) == "a b"
    assert said(ValueError(say("{fault}", fault=say("line {line}", line="a\nb")))) == "line a b"
    fault = said(ValueError(say('"{value}" is not a word', value="a\nb")))
    assert fault == '"a b" is not a word'
    assert translated(fault, "zh") == "“a b”不能作名称"


# The catalogue


def test_the_catalogue_holds_just_what_stands_in_the_code():
    wanted = {message if isinstance(message, str) else message[0] for message in refresh_messages.templates()}
    wanted |= {message if isinstance(message, str) else message[0] for message in refresh_messages.words_of_click()}
    kept = {message.id if isinstance(message.id, str) else message.id[0] for message in CATALOG if message.id}
    assert wanted - kept == set(), "run make messages and translate what it lists"
    assert kept - wanted == set(), "run make messages: these are gone from the code"


def test_every_text_has_its_chinese():
    assert refresh_messages.untranslated(CATALOG) == []


def test_a_text_without_chinese_is_seen():
    """A negative control."""
    catalog = refresh_messages.Catalog(locale="zh_Hans")
    catalog.add("no value", string="")
    catalog.add(("one", "many"), string=("",))
    assert refresh_messages.untranslated(catalog) == ["no value", ("one", "many")]


def test_the_chinese_has_the_same_placeholders_and_is_chinese():
    ours = refresh_messages.templates()
    for message in CATALOG:
        if message.id in ours:
            assert placeholders(message.string) == placeholders(message.id), message.id
            if WORDS.search(re.sub(r"\{\w+\}", "", message.id)):
                assert re.search(r"[\u4e00-\u9fff]", message.string), message.id


def test_the_compiled_catalogue_is_that_of_the_source():
    assert refresh_messages.PO.with_suffix(".mo").read_bytes() == refresh_messages.mo_of(CATALOG)
    assert refresh_messages.PO.read_bytes() == refresh_messages.po_of(refresh_messages.fresh(CATALOG))


# The code


def trees():
    for path in sorted(PACKAGE.glob("*.py")):
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))


def name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def plain_sentences(tree):
    """Sentences that stand as bare literals, or are put together, where a message belongs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in TAKERS:
            for part in [*node.args, *(keyword.value for keyword in node.keywords)]:
                yield from sentences_in(part)
        targets = {
            one.id for target in getattr(node, "targets", ()) for one in ast.walk(target) if isinstance(one, ast.Name)
        }
        if isinstance(node, ast.Assign) and targets & {"fault", "remedy"}:
            yield from sentences_in(node.value)


def sentences_in(node):
    if isinstance(node, ast.Call):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and WORDS.search(node.value):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        if WORDS.search(text) or any(
            isinstance(part, ast.FormattedValue) and bears_words(part.value) for part in node.values
        ):
            yield text
        return
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add)
        and (bears_words(node.left) or bears_words(node.right))
    ):
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from sentences_in(child)


SPOKEN = {
    "fault",
    "remedy",
    "problem",
    "words",
    "head",
    "text",
    "said",
    "say",
    "joined",
    "instead",
    "named",
    "coded",
    "reason",
}
"""Names under which messages go about."""


def bears_words(node):
    """Whether a message is put into a plain text, where it would be lost."""
    if isinstance(node, ast.Call):
        node = node.func
    return getattr(node, "attr", getattr(node, "id", "")) in SPOKEN


def test_no_sentence_reaches_a_person_as_a_plain_text():
    assert [(name, text) for name, tree in trees() for text in plain_sentences(tree)] == []


@pytest.mark.parametrize(
    "code",
    ['Problem(where, "no such thing", r)', 'tell(f"{x} was not found")', 'fault = "it is gone" if x else y',
     'raise UsageError(f"--as-of: {fault}")', 'click.echo("all is well")', 'fault = f"{words}; {x}"', 'tell(f"{head} x")',
     'raise UsageError(f"{name}: {said(e)}")', 'raise UsageError("unknown: " + fault)', 'tell(f"{problem.fault}")'],
)  # fmt: skip
def test_a_plain_sentence_is_seen(code):
    """A negative control."""
    assert list(plain_sentences(ast.parse(code)))


def test_every_template_is_a_literal():
    for name, tree in trees():
        if name != "messages.py":
            assert [ast.unparse(call) for call in refresh_messages.literal_calls(tree)] == [], name


def test_every_help_of_a_command_is_a_message():
    templates = refresh_messages.templates()

    def helps(command):
        yield command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield parameter.help
        for one in getattr(command, "commands", {}).values():
            yield from helps(one)

    assert [
        text for text in helps(cli.qpi) if text and text not in templates and text != "Show the version and exit."
    ] == []


# The language of a run


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [([], {}, "en"), ([], {"LANG": "zh_CN.UTF-8"}, "zh"), ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
     ([], {"LC_ALL": "", "LANG": "zh_TW"}, "zh"), (["--lang", "zh"], {}, "zh"), (["check", "--lang=en"], {"LANG": "zh"}, "en"),
     (["--lang", "fr"], {"LANG": "zh"}, "zh"), (["--lang"], {}, "en"), (["import", "--", "--lang", "zh"], {}, "en"),
     ([], {"LC_MESSAGES": "zh", "LANG": "de_DE"}, "zh")],
)  # fmt: skip
def test_the_language_is_that_of_the_option_else_of_the_locale(arguments, environment, language):
    assert console.wanted(arguments, environment) == language


def qpi(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "qpi", *arguments], capture_output=True, text=True, encoding="utf-8",
        env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "", **environment},
    )  # fmt: skip


def paths(command, path=()):
    yield path
    for name, one in getattr(command, "commands", {}).items():
        yield from paths(one, (*path, name))


@pytest.mark.parametrize("path", list(paths(cli.qpi)), ids=" ".join)
def test_the_help_of_every_command_is_chinese_throughout(path):
    shown = qpi(*path, "--help", "--lang", "zh").stdout
    left = re.sub(
        r"[\w.-]*\.(?:yaml|html|jsonl|csv|db)|--?[\w-]+|qpi [\w -]+|JSON (?:Lines|Schema)|utf-8|gb18030", "", shown
    )
    left = re.sub(r"\[?OPTIONS\]?|COMMAND|ARGS|[A-Z]{2,}", "", left)
    assert WORDS.search(left) is None, WORDS.search(left)
    assert "用法" in shown
    assert "选项" in shown


def test_wrong_usage_is_told_in_chinese_by_click_too():
    done = qpi("metrics", "--lang", "zh")
    assert done.returncode == 2
    assert "缺少参数" in done.stderr
    assert "Error" not in done.stderr
    done = qpi("chek", LANG="zh_CN.UTF-8")
    assert "没有命令" in done.stderr
    assert "是否应为" in done.stderr


def test_a_library_error_is_told_in_chinese(tmp_path):
    done = qpi("check", "-w", str(tmp_path), "--lang", "zh")
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path / 'qpi.yaml'}: 缺失；请用--workspace指定工作区，或用qpi init、qpi demo新建\n"
