"""The tables of docs/plan.md, made out of the router's rules and the table of engines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stillwake.makers import MAKERS, Maker
from stillwake.route.rules import RULES


def with_tables(page: str) -> str:
    """The page with its two tables as the code has them now; each lies between two comments that name it."""
    for name, lines in (("rules", _rules()), ("engines", _engines())):
        table = "".join(f"{line}\n" for line in lines)
        page = re.sub(rf"(<!-- {name}:.*?-->\n).*?(<!-- /{name} -->)", rf"\g<1>{table}\g<2>", page, flags=re.DOTALL)
    return page


def _rules() -> Iterator[str]:
    yield "| rule | engine | because |"
    yield "|---|---|---|"
    for rule in RULES:
        yield f"| {rule.name} | {rule.family} | {rule.reason.replace('{words}', '…')} |"


def _engines() -> Iterator[str]:
    yield "| engine | kind | price | lengths | keeps to its prompt | takes about | what it takes |"
    yield "|---|---|---|---|---|---|---|"
    listed = [
        (f"`{name}`" if not model else f"`{name}`, `{model}`", maker.of(model))
        for name, maker in MAKERS.items()
        if maker.model or maker.can
        for model in ("", *maker.models)
    ]
    for asked, maker in listed:
        title = f"{asked}: {maker.title}" + (f", {maker.model}" if maker.model else "")
        wait = "" if maker.wait is None else f"{maker.wait:g} s a second"
        holds = "" if maker.family == "animator" else f"{float(min((maker.holds, *maker.lengths[-1:]))):.3g} s"
        can = ", ".join(sorted(maker.can))
        yield f"| {title} | {maker.family} | {_price(maker)} | {_lengths(maker)} | {holds} | {wait} | {can} |"


def _price(maker: Maker) -> str:
    if maker.local:
        return "free"
    if maker.price is None:
        return "unknown"
    step = f", in steps of {float(maker.price.step):g} s" if maker.price.step != 1 else ""
    return f"${maker.price.second:.3g} a second{step} ({maker.price.sure}: {maker.price.source})"


def _lengths(maker: Maker) -> str:
    if not maker.lengths:
        return "any"
    said = [f"{float(length):.3g}" for length in maker.lengths]
    return f"{', '.join(said)} s" if len(said) <= 4 else f"{said[0]} to {said[-1]} s"
