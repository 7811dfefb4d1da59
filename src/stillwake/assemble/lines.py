"""On which line of a TOML text each value stands: ``tomllib`` does not tell.

The text is gone through once, token by token, as TOML divides it, so that it takes the same time whatever is in it.
What would make ``tomllib`` run out of time or memory is refused here, before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

DEEPEST = 8
"""Brackets within brackets; a storyboard needs three."""
MOST_PARTS = 8
"""Parts of a dotted name; a storyboard needs two. ``tomllib`` takes memory that grows with their square."""
LONGEST_WORD = 200
"""Letters of a bare name or number."""

_TOKEN = re.compile(
    r'''(?P<long>"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5})'''
    r'''|(?P<open>"""|\'\'\')'''
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
    r"|(?P<comment>\#[^\n]*)"
    r"|(?P<word>[A-Za-z0-9_+\-:]+)"
    r"|(?P<space>[ \t\r]+)"
    r"|(?P<end>\n)"
    r"|(?P<mark>.)",
    re.DOTALL,
)

Place = tuple[str | int, ...]


class Unreadable(Exception):  # noqa: N818  what is wrong is its message
    """The text would be a trap; ``line`` says where."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


@dataclass
class Lines:
    """Where everything stands: a path such as ``("shot", 2, "still")`` -> its line, from 1."""

    at: dict[Place, int] = field(default_factory=dict)

    def line(self, path: Place) -> int:
        """The line of a value, or else of what it lies in; 1 where nothing is known."""
        while path:
            if path in self.at:
                return self.at[path]
            path = path[:-1]
        return 1

    @classmethod
    def of(cls, text: str) -> Lines:
        """The lines of a text; one that is no TOML gets those up to where it is none.

        Raises
        ------
        Unreadable
            It is a trap for whoever parses it.
        """
        lines = cls()
        counts: dict[str, int] = {}
        table: Place = ()
        names: list[str] = []  # of the statement that is being read
        first, state, depth, parts = 1, "name", 0, 0
        header: Literal["", "[", "[["] = ""
        for kind, token, line in _tokens(text):
            if kind in ("word", "string"):
                parts += 1
                if kind == "word" and len(token) > LONGEST_WORD:
                    raise Unreadable(line, f"a word has {len(token)} letters")
                if parts > MOST_PARTS:
                    raise Unreadable(line, f"a name has more than {MOST_PARTS} parts")
                if state == "name":
                    first = first if names else line
                    names.append(token if kind == "word" else token[1:-1])
                continue
            if kind in ("space", "comment"):
                continue
            if kind == "open":  # it never ends: tomllib stops here too
                break
            if token != ".":
                parts = 0
            if token in ("[", "{"):
                if state == "name" and not names:
                    header = "[[" if header == "[" else "["
                    first = line
                    continue
                depth += 1
                if depth > DEEPEST:
                    raise Unreadable(line, f"brackets stand more than {DEEPEST} deep")
            elif token in ("]", "}"):
                depth = max(0, depth - 1)
            elif token == "=" and state == "name":
                state = "value"
                lines._note((*table, *names), first)
            elif kind == "end" and depth == 0:
                if header and names:
                    table = lines._table(tuple(names), header == "[[", counts)
                    lines._note(table, first)
                names, state, header = [], "name", ""
        if header and names:
            lines._note(lines._table(tuple(names), header == "[[", counts), first)
        return lines

    def _note(self, path: Place, line: int) -> None:
        self.at.setdefault(path, line)

    def _table(self, names: tuple[str, ...], many: bool, counts: dict[str, int]) -> Place:
        """The path of a table's header: of an array of tables, the last one that was begun."""
        top = names[0]
        if many and len(names) == 1:
            counts[top] = counts.get(top, -1) + 1
        return (top, counts[top], *names[1:]) if top in counts else names


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and line of every token."""
    line = 1
    for found in _TOKEN.finditer(text):
        token = found[0]
        yield str(found.lastgroup), token, line
        if found.lastgroup in ("long", "string", "end"):
            line += token.count("\n")
