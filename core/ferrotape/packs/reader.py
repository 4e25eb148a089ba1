"""Reads a YAML file as plain data that knows its lines, and refuses what is dangerous in YAML.

It works on PyYAML's events and never on its loader: an alias bomb, a merge bomb or a tower of
brackets is seen before anything is expanded. Keys are always text, dates stay text, and a key
that stands twice is a problem instead of a surprise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.constructor import SafeConstructor

from ferrotape.errors import PackError, Problem

MAX_BYTES = 1024 * 1024
"""The largest file that is read."""
MAX_DEPTH = 40
"""The deepest nesting of mappings and lists."""
MAX_NUMBER = 40
"""The longest number, in characters: Python needs quadratic time to read one."""

Loc = tuple[str | int, ...]
"""The way from the root to a value: keys and 0-based list positions."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_TEXT = {_TAG + name for name in ("str", "timestamp", "value", "merge")}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_CONTAINERS = {"!", _TAG + "map", _TAG + "seq"}


@dataclass(frozen=True, kw_only=True)
class Document:
    """The data of a YAML file: mappings with text keys, lists, text, numbers, booleans, None."""

    file: Path
    data: Any
    lines: Mapping[Loc, int]
    """Where each value begins, 1-based; for an entry of a mapping, the line of its key."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the YAML but leaves the data usable, such as a key given twice."""

    def line(self, loc: Loc) -> int:
        """The line of the value at `loc`, or of the innermost one around it."""
        while loc not in self.lines and loc:
            loc = loc[:-1]
        return self.lines.get(loc, 0)

    @property
    def root(self) -> Mapping[str, Any]:
        """The data if it is a mapping, else an empty one."""
        return self.data if isinstance(self.data, dict) else {}

    def sequence(self, key: str) -> list[Any]:
        """The list at that key of the root, or an empty one if something else is there."""
        value = self.root.get(key)
        return value if isinstance(value, list) else []

    def mapping(self, key: str) -> Mapping[str, Any]:
        """The mapping at that key of the root, or an empty one if something else is there."""
        value = self.root.get(key)
        return value if isinstance(value, dict) else {}

    def problem(self, loc: Loc, message: str) -> Problem:
        """A problem with the value at `loc`."""
        return Problem(self.file, self.line(loc), message)


def read_bytes(file: Path) -> bytes:
    """The bytes of a small file.

    Raises:
        PackError: It is missing, too large, or cannot be read.
    """
    if not file.is_file():
        raise _refusal(file, 0, "there is no such file")
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refusal(file, 0, f"the file cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise _refusal(file, 0, f"the file is larger than {MAX_BYTES // 1024} KiB")
    return raw


def decode(raw: bytes, file: Path) -> str:
    """The UTF-8 text in the bytes of `file`, without its byte order mark.

    Raises:
        PackError: The bytes are something else.
    """
    if b"\0" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise _refusal(file, line, "there is a NUL byte, so this is no UTF-8 text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _refusal(file, line, "the bytes here are no UTF-8 text") from error


def parse_document(text: str, file: Path) -> Document:
    """The data of a YAML text that stands in `file`.

    Raises:
        PackError: A syntax error, an alias or merge key, nesting that is too deep, more than
            one document, or nothing at all.
    """
    builder = _Builder(file)
    try:
        loader = _Loader(text)
        try:
            while loader.check_event():
                builder.take(loader.get_event(), loader)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        builder.fail(mark.line + 1 if mark else 0, f"this is no YAML: {error.problem}")
    except yaml.reader.ReaderError as error:
        builder.fail(
            _line_of_position(text, error), "there is a character that YAML does not allow"
        )
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        builder.fail(0, f"this is no YAML: {error}")
    return builder.document()


@dataclass
class _Frame:
    """A mapping or list that is being filled."""

    loc: Loc
    items: Any
    key: str | None = None
    key_lines: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Builds data from events, with a stack of its own instead of recursion."""

    def __init__(self, file: Path) -> None:
        self._file = file
        constructor = SafeConstructor()
        self._constructors: Mapping[str, Callable[[yaml.ScalarNode], Any]] = {
            _TAG + "null": constructor.construct_yaml_null,
            _TAG + "bool": constructor.construct_yaml_bool,
            _TAG + "int": constructor.construct_yaml_int,
            _TAG + "float": constructor.construct_yaml_float,
        }
        self._stack: list[_Frame] = []
        self._lines: dict[Loc, int] = {}
        self._problems: list[Problem] = []
        self._usable = True
        self._documents = 0
        self._root: Any = None

    def fail(self, line: int, message: str) -> NoReturn:
        """Gives the file up, with the problems noted before."""
        self._note(line, message)
        raise PackError(f"{self._file} cannot be read", self._problems)

    def document(self) -> Document:
        """The whole, once the events have ended."""
        if not self._documents:
            self.fail(0, "the file is empty")
        if not self._usable:
            raise PackError(f"{self._file} cannot be read", self._problems)
        return Document(
            file=self._file,
            data=self._root,
            lines=self._lines,
            problems=tuple(self._problems),
        )

    def take(self, event: yaml.Event, loader: Any) -> None:
        """Takes the next event of the parser."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self.fail(line, "a second document begins here; a file holds one")
        elif isinstance(event, yaml.AliasEvent):
            self._spoil(line, f"alias *{event.anchor} is not allowed; write the value out")
            self._place(None, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            if event.anchor is not None:
                self._note(line, f"anchor &{event.anchor} is not allowed")
            if isinstance(event, yaml.ScalarEvent):
                self._take_scalar(event, line, loader)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event, line)

    def _take_scalar(self, event: yaml.ScalarEvent, line: int, loader: Any) -> None:
        tag = event.tag
        if tag is None or tag == "!":
            tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if _NO_TEXT.search(event.value):
            self._note(line, "there is a NUL or half a surrogate pair in this text")
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.items, dict) and frame.key is None:
            self._take_key(frame, event.value, tag, line)
        else:
            self._place(self._value(event, tag, line), line)

    def _take_key(self, frame: _Frame, key: str, tag: str, line: int) -> None:
        if tag == _MERGE:
            self._spoil(line, "merge key << is not allowed; write the entries out")
        elif key in frame.key_lines:
            self._note(line, f"key `{key}` is given twice, first on line {frame.key_lines[key]}")
        elif not key:
            self._note(line, "a key is empty")
        frame.key_lines.setdefault(key, line)
        frame.key = key

    def _value(self, event: yaml.ScalarEvent, tag: str, line: int) -> Any:
        text = event.value
        if tag in _TEXT:
            return text
        if len(text) > MAX_NUMBER:
            self._note(line, f"a number has more than {MAX_NUMBER} characters; quote it as text")
            return 0
        construct = self._constructors.get(tag)
        if construct is None:
            self._note(line, f"tag {tag.replace(_TAG, '!!')} is not allowed")
            return text
        try:
            return construct(yaml.ScalarNode(tag, text))
        except (ValueError, LookupError):
            self._note(line, f"`{text}` is no {tag.removeprefix(_TAG)}")
            return text

    def _open(self, event: yaml.CollectionStartEvent, line: int) -> None:
        if event.tag is not None and event.tag not in _CONTAINERS:
            self._note(line, f"tag {event.tag.replace(_TAG, '!!')} is not allowed")
        if len(self._stack) >= MAX_DEPTH:
            self.fail(line, f"nested more than {MAX_DEPTH} levels deep")
        items: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Frame(self._place(items, line), items))

    def _place(self, value: Any, line: int) -> Loc:
        """Puts a value where it belongs, and says where that is."""
        if not self._stack:
            self._root = value
            self._lines[()] = line
            return ()
        frame = self._stack[-1]
        if isinstance(frame.items, list):
            loc: Loc = (*frame.loc, len(frame.items))
            frame.items.append(value)
        elif frame.key is None:
            self.fail(line, "a key must be text")
        else:
            loc = (*frame.loc, frame.key)
            frame.items.setdefault(frame.key, value)
            line = frame.key_lines[frame.key]
            frame.key = None
        self._lines.setdefault(loc, line)
        return loc

    def _note(self, line: int, message: str) -> None:
        self._problems.append(Problem(self._file, line, message))

    def _spoil(self, line: int, message: str) -> None:
        """Notes a problem that makes the data unusable, and reads on for further ones."""
        self._note(line, message)
        self._usable = False


def _refusal(file: Path, line: int, message: str) -> PackError:
    return PackError(f"{file} cannot be read", [Problem(file, line, message)])


def _line_of_position(text: str, error: yaml.reader.ReaderError) -> int:
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    position = found.start() if found else error.position
    return text.count("\n", 0, position) + 1
