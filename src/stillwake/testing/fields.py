"""Small tables that say what a body may hold, and what speaks against one that was sent.

A table maps a field's name to a `Field`. JSON's types are told apart: 5 is not 5.0 is not "5", true is not 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """What speaks against a field.

    Parameters
    ----------
    path
        Names and numbers from the body's root.
    code
        ``missing``, ``unknown``, ``type``, ``value``, ``large``, ``small``, or ``custom``.
    message
        In words.
    """

    path: tuple[str | int, ...]
    code: str
    message: str

    @property
    def where(self) -> str:
        """``"a.b.0"``."""
        return ".".join(map(str, self.path))


Path = tuple[str | int, ...]
Rule = Callable[[Any, Path], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Field:
    """What one field may hold.

    Parameters
    ----------
    rule
        Gives the problems of a value.
    required
        Whether it must be there.
    null
        Whether null means that it is not there.
    """

    rule: Rule
    required: bool = False
    null: bool = False

    @property
    def needed(self) -> Field:
        """The same, required."""
        return Field(self.rule, True, self.null)

    @property
    def nullable(self) -> Field:
        """The same, and null is allowed."""
        return Field(self.rule, self.required, True)


Table = Mapping[str, Field]


def named(value: Any) -> str:
    """JSON's name for the type of a value."""
    if value is None:
        return "null"
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), type(value).__name__)


def _wrong(path: Path, expected: str, value: Any) -> Problem:
    return Problem(path, "type", f"Invalid input: expected {expected}, received {named(value)}")


def utf16(text: str) -> int:
    """Length in UTF-16 code units, as JavaScript counts."""
    return len(text.encode("utf-16-le")) // 2


def text(most: int | None = None, least: int = 0, *, count: Callable[[str], int] = len) -> Field:
    """A string of so many characters."""

    def rule(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield _wrong(path, "string", value)
        elif count(value) < least:
            yield Problem(path, "small", f"Too small: expected string to have >={least} characters")
        elif most is not None and count(value) > most:
            yield Problem(path, "large", f"Too big: expected string to have <={most} characters")

    return Field(rule)


def one(*choices: str | int) -> Field:
    """One of these, of the same type."""

    def rule(value: Any, path: Path) -> Iterator[Problem]:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            told = "|".join(f"'{choice}'" if isinstance(choice, str) else str(choice) for choice in choices)
            yield Problem(path, "value", f"Invalid option: expected one of {told}")

    return Field(rule)


def whole(least: int | None = None, most: int | None = None) -> Field:
    """An integer in a range, both ends included."""

    def rule(value: Any, path: Path) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield _wrong(path, "int", value)
        else:
            yield from _ranged(value, path, least, most)

    return Field(rule)


def number(least: float | None = None, most: float | None = None) -> Field:
    """An integer or a float in a range, both ends included."""

    def rule(value: Any, path: Path) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield _wrong(path, "number", value)
        else:
            yield from _ranged(value, path, least, most)

    return Field(rule)


def _ranged(value: float, path: Path, least: float | None, most: float | None) -> Iterator[Problem]:
    if least is not None and value < least:
        yield Problem(path, "small", f"Too small: expected number to be >={least}")
    if most is not None and value > most:
        yield Problem(path, "large", f"Too big: expected number to be <={most}")


def flag() -> Field:
    """True or false."""

    def rule(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield _wrong(path, "boolean", value)

    return Field(rule)


def several(each: Field, most: int | None = None, least: int = 0) -> Field:
    """A list of so many."""

    def rule(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield _wrong(path, "array", value)
            return
        if len(value) < least:
            yield Problem(path, "small", f"Too small: expected array to have >={least} items")
        if most is not None and len(value) > most:
            yield Problem(path, "large", f"Too big: expected array to have <={most} items")
        for index, item in enumerate(value):
            yield from each.rule(item, (*path, index))

    return Field(rule)


def group(table: Table) -> Field:
    """An object with these fields and no others."""
    return Field(lambda value, path: problems(value, table, path))


def either(*fields: Field) -> Field:
    """What any one of these would take; where none does, the problems of the one that came furthest into the value."""

    def rule(value: Any, path: Path) -> Iterator[Problem]:
        tried = [list(field.rule(value, path)) for field in fields]
        if all(tried):
            yield from max(tried, key=lambda found: max(len(each.path) for each in found))

    return Field(rule)


def anything() -> Field:
    """Any JSON: a field whose inner shape is not known."""
    return Field(lambda value, path: iter(()))


def problems(body: Any, table: Table, path: Path = ()) -> Iterator[Problem]:
    """All that speaks against a body, in the table's order, unknown fields last."""
    if not isinstance(body, dict):
        yield _wrong(path, "object", body)
        return
    for name, field in table.items():
        if name not in body:
            if field.required:
                yield Problem((*path, name), "missing", "Invalid input: this field is required, received undefined")
        elif body[name] is None and field.null:
            if field.required:
                yield _wrong((*path, name), "a value", None)
        else:
            yield from field.rule(body[name], (*path, name))
    for name in body:
        if name not in table:
            yield Problem((*path, name), "unknown", f"Unrecognized key: {name!r}")


def at_most_one(body: Mapping[str, Any], names: Sequence[str], path: Path = ()) -> Iterator[Problem]:
    """A problem if more than one of these is there."""
    given = [name for name in names if body.get(name) is not None]
    if len(given) > 1:
        yield Problem((*path, given[1]), "custom", f"{' and '.join(given)} cannot be used together")


def exactly_one(body: Mapping[str, Any], names: Sequence[str], path: Path = ()) -> Iterator[Problem]:
    """A problem unless exactly one of these is there."""
    if not any(body.get(name) is not None for name in names):
        yield Problem((*path, names[0]), "missing", f"exactly one of {', '.join(names)} is required")
    yield from at_most_one(body, names, path)
