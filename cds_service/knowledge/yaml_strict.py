"""YAML without YAML's surprises, fast, and with a line number for everything.

Only `true` and `false` are booleans (`on`, `no`, `yes` stay text), `12:30` stays text, dates stay text, a number with
a decimal point becomes a Decimal that keeps its trailing zeros, a duplicate key is an error. Anchors and aliases work;
tags and merge keys are refused. libyaml does the parsing: about a hundred rule folders load in well under a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from sys import intern
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from cds_service.errors import Finding, KnowledgeError

CHECK = "yaml"
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
LONGEST_WORD = max(map(len, _WORDS))
_NUMBER_STARTS = frozenset("+-0123456789")


class Document:
    """One YAML file: `data` as dict, list, str, int, Decimal, bool and None; `file` as findings should print it."""

    __slots__ = ("_lines", "_start", "data", "file")

    def __init__(self, file: str, data: Any, lines: dict[int, dict[Any, int]], start: int = 1) -> None:
        self.file = file
        self.data = data
        self._lines = lines
        self._start = start

    def line(self, *path: str | int) -> int:
        """The line (from 1) of a mapping key or list item, as deep as `path` exists."""
        here, line = self.data, self._start
        for step in path:
            known = self._lines.get(id(here))
            if known is None or step not in known:
                return line
            line, here = known[step], here[step]
        return line

    def finding(self, path: tuple[str | int, ...], problem: str, remedy: str, check: str = "format") -> Finding:
        """A finding at the line of `path`."""
        return Finding(self.file, self.line(*path), check, problem, remedy)


def load_yaml(path: Path, shown: str | None = None) -> Document:
    """Read one file; `shown` is how findings print its path (default: as given).

    Raises KnowledgeError for anything that is not strict YAML.
    """
    file = shown or path.as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise refused(file, 1, "the file does not exist", "create it, see docs/knowledge-format.md") from None
    except UnicodeDecodeError:
        raise refused(file, 1, "the file is not UTF-8", "save it as UTF-8") from None
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> Document:
    """Read a text as load_yaml reads a file. An empty text gives `data` None."""
    return _Builder(text, file).build()


def refused(file: str, line: int, problem: str, remedy: str) -> KnowledgeError:
    """A KnowledgeError with one finding."""
    return KnowledgeError((Finding(file, line, CHECK, problem, remedy),))


class _Builder:
    """Turns libyaml's events into data, noting the line of every key and item."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: dict[int, dict[Any, int]] = {}
        self.anchors: dict[str, Any] = {}
        self.loader = yaml.CSafeLoader(text)
        self._next: Callable[[], Any] = self.loader.get_event

    def build(self) -> Document:
        try:
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = 1 if mark is None else mark.line + 1
            raise refused(self.file, line, str(error.problem or error.context), "correct the YAML") from None
        except yaml.YAMLError as error:
            raise refused(self.file, 1, str(error).splitlines()[0], "correct the YAML") from None
        finally:
            self.loader.dispose()

    def _document(self) -> Document:
        self._next()  # stream start
        event = self._next()
        if isinstance(event, StreamEndEvent):
            return Document(self.file, None, self.lines)
        first = self._next()
        data, start = self._value(first), _line(first)
        self._next()  # document end
        after = self._next()
        if isinstance(after, DocumentStartEvent):
            raise refused(self.file, _line(after), "a second document", "keep one document per file")
        return Document(self.file, data, self.lines, start)

    def _value(self, event: Any) -> Any:
        kind = type(event)
        if kind is ScalarEvent and event.tag is None and event.anchor is None:  # nearly all
            return _scalar(event.value) if event.implicit[0] else event.value
        if kind is AliasEvent:
            if event.anchor not in self.anchors:
                raise refused(self.file, _line(event), f"unknown anchor *{event.anchor}", "define &anchor before it")
            return self.anchors[event.anchor]
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise refused(self.file, _line(event), f"tag {tag}", "remove the tag; write the value plainly")
        value: Any
        if kind is ScalarEvent:
            value = _scalar(event.value) if event.implicit[0] else event.value
        elif kind is MappingStartEvent:
            value = self._mapping()
        elif kind is SequenceStartEvent:
            value = self._sequence()
        else:
            raise refused(self.file, _line(event), "unexpected content", "correct the YAML")
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def _mapping(self) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        following, value_of = self._next, self._value
        while type(event := following()) is not MappingEndEvent:
            line = event.start_mark.line + 1
            if type(event) is not ScalarEvent:
                raise refused(self.file, line, "a key that is not plain text", "use a word as key")
            key = intern(event.value)
            if key == "<<":
                raise refused(self.file, line, "a merge key", "write the members out")
            if key in found:
                problem = f"duplicate key {key!r} (first on line {lines[key]})"
                raise refused(self.file, line, problem, "keep one of them")
            lines[key] = line
            found[key] = value_of(following())
        self.lines[id(found)] = lines
        return found

    def _sequence(self) -> list[Any]:
        found: list[Any] = []
        lines: dict[Any, int] = {}
        following, value_of = self._next, self._value
        while type(event := following()) is not SequenceEndEvent:
            lines[len(found)] = event.start_mark.line + 1
            found.append(value_of(event))
        self.lines[id(found)] = lines
        return found


def _line(event: Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else int(mark.line) + 1


def _scalar(text: str) -> Any:
    if len(text) <= LONGEST_WORD and text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_STARTS:
        if _INTEGER.match(text):
            return int(text)
        if _DECIMAL.match(text):
            return Decimal(text)
    return intern(text)  # rules name the same concepts and groups in their code: equal names are then the same object
