"""What can follow what is typed: commands, options and their values. Pure; `sources.py` knows the
symbols, runs and files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple, Protocol

from app.cli.shell.lines import statements
from app.cli.shell.typed import Typed, typed, written
from app.cli.tree import Node, Parameter
from app.core.errors import UsageError

Tree = Callable[[Sequence[str]], Node | None]
MOST = 200

# What an argument or an option's value is, by its metavar.
KINDS: Final = {
    "ACCOUNT": "account",
    "CHECK": "check",
    "CONFIG": "config",
    "CONFIG|RUN": "config or run",
    "FILE": "file",
    "FOLDER": "folder",
    "FORMAT": "format",
    "INTERVAL": "interval",
    "KEYS": "keys of trades",
    "LEVEL": "log level",
    "MARKET": "market",
    "NAME=VALUE": "parameter",
    "ORDER": "order",
    "OURS=THEIRS": "column",
    "RUN": "run",
    "SOURCE": "source",
    "SPEED": "speed",
    "STRATEGY": "strategy",
    "SYMBOL": "symbol",
    "SYMBOLS": "symbols",
    "TABLES": "tables",
    "VENUE": "venue",
    "ZONE": "zone",
}
# The same, where commands that begin so mean something of their own by it.
KINDS_OF_COMMANDS: Final = {
    (("system",), "RUN"): "running",
    (("data", "session"), "RUN"): "running",
    (("watch",), "RUN"): "running",
    (("risk", "flatten"), "RUN"): "running",
}
# Several with commas between them.
_LISTS: Final = {"keys of trades": "key of trades", "symbols": "symbol", "tables": "table"}
# What the shell's own words are followed by.
AFTER_WORDS: Final = {
    "alias": "alias",
    "events": "event level",
    "focus": "running",
    "follow": "running",
    "unalias": "alias",
    "unfollow": "running",
}
SCRIPT_SIGN = "@"


class Offer(NamedTuple):
    """A word that may stand there."""

    text: str
    about: str = ""
    goes_on: bool = False  # more of the same word follows: a folder, `NAME=`
    shown: str = ""  # in the list, where that is not the text
    in_quotes: str = ""  # what stands for the text there: a ~ is no home in quotes


class Found(NamedTuple):
    """What takes the place of the line from `start` on."""

    text: str
    start: int
    shown: str
    about: str


class Sources(Protocol):
    """Knows what there is on this machine; never raises, never writes."""

    def offers(self, kind: str, part: str, given: Mapping[str, str]) -> Iterable[Offer]:
        """Words of a kind, all or those that begin with the part; `given`: the other values."""

    def words(self) -> Mapping[str, str]:
        """The shell's own words, and what they do."""

    def aliases(self) -> Mapping[str, str]:
        """The user's words, and what they stand for."""


class Place(NamedTuple):
    """Where the cursor is within a command: what may come next."""

    node: Node
    awaited: Parameter | None  # an option's value, else an argument
    of_option: bool
    given: Mapping[str, str]  # values by metavar, and by the option's name
    used: frozenset[str]  # options' names
    knows: bool  # every word before is one


def completions(text: str, tree: Tree, sources: Sources) -> list[Found]:
    """What can stand at the end of the text, the likeliest first."""
    now = typed(text)
    if now is None:
        return []
    found = islice(_offered(now, tree, sources), MOST)
    return [_found(offer, now) for offer in found]


def place(words: Sequence[str], tree: Tree, aliases: Mapping[str, str]) -> Place | None:
    """Where these words lead; None for words that name nothing."""
    node = tree(())
    rest = list(expanded(words, aliases))
    path: list[str] = []
    while rest and node is not None and node.children:
        path.append(rest.pop(0))
        node = tree(path)
    return None if node is None else _walked(node, rest)


def expanded(words: Sequence[str], aliases: Mapping[str, str]) -> Sequence[str]:
    """The words with the alias in front as what it stands for, its last command."""
    seen: set[str] = set()
    while words and words[0] in aliases and words[0] not in seen:
        seen.add(words[0])
        try:
            parts = statements(aliases[words[0]])
        except UsageError:
            break
        words = [*(parts[-1].words if parts else ()), *words[1:]]
    return words


def _walked(node: Node, rest: Sequence[str]) -> Place:
    """Through a command's options and arguments."""
    options = {name: option for option in node.options for name in option.names}
    waiting = list(node.arguments)
    given: dict[str, str] = {}
    used: set[str] = set()
    awaited: Parameter | None = None
    knows = True
    for word in rest:
        name, sign, value = word.partition("=")
        if awaited is not None:
            given.update(dict.fromkeys((*awaited.names, awaited.metavar), word))
            awaited = None
        elif name in options and word.startswith("-"):
            option = options[name]
            used.update(option.names)
            if sign:
                given.update(dict.fromkeys((*option.names, option.metavar), value))
            elif not option.is_flag:
                awaited = option
        elif waiting:
            given[waiting[0].metavar] = word
            if not waiting[0].multiple:
                waiting.pop(0)
        else:
            knows = False
    of_option = awaited is not None
    if awaited is None and waiting:
        awaited = waiting[0]
    return Place(node, awaited, of_option, given, frozenset(used), knows)


def _offered(now: Typed, tree: Tree, sources: Sources) -> Iterator[Offer]:
    if not now.words:
        yield from _first_words(now, tree, sources)
        return
    first = now.words[0]
    if first in sources.words():
        yield from _after_word(now, tree, sources)
        return
    at = place(now.words, tree, sources.aliases())
    if at is None or not at.knows:
        return
    if at.node.children:
        yield from _matching(_children(at.node, tree), now.part)
        return
    yield from _in_command(at, now, sources)


def _first_words(now: Typed, tree: Tree, sources: Sources) -> Iterator[Offer]:
    if now.part.startswith(SCRIPT_SIGN):
        for offer in sources.offers("file", now.part[1:], {}):
            yield offer._replace(text=SCRIPT_SIGN + offer.text)
        return
    root = tree(())
    nouns = [] if root is None else list(_children(root, tree))
    own = [Offer(word, about) for word, about in sources.words().items()]
    aliases = [Offer(word, f"= {text}") for word, text in sources.aliases().items()]
    yield from _matching([*nouns, *own, *aliases], now.part)


def _after_word(now: Typed, tree: Tree, sources: Sources) -> Iterator[Offer]:
    first, *rest = now.words
    if first == "help":
        node = tree(rest)
        if node is not None:
            own = [] if rest else [Offer(word, about) for word, about in sources.words().items()]
            yield from _matching([*_children(node, tree), *own], now.part)
    elif first in AFTER_WORDS and not rest:
        yield from _of_kind(AFTER_WORDS[first], now.part, {}, sources)


def _children(node: Node, tree: Tree) -> Iterator[Offer]:
    for word in node.children:
        child = tree((*node.words, word))
        yield Offer(word, child.summary if child else "")


def _in_command(at: Place, now: Typed, sources: Sources) -> Iterator[Offer]:
    """An option's value; else an argument, and the options that are not given yet."""
    name, sign, value = now.part.partition("=")
    options = {name: option for option in at.node.options for name in option.names}
    if at.of_option:
        assert at.awaited is not None
        yield from _values(at.awaited, at, now.part, sources)
    elif sign and name in options and not options[name].is_flag:
        for offer in _values(options[name], at, value, sources):
            shown = offer.shown or offer.text
            yield Offer(f"{name}={offer.text}", offer.about, offer.goes_on, shown)
    elif now.part.startswith("-"):
        yield from _matching(_options(at), now.part)
    else:
        values = list(_values(at.awaited, at, now.part, sources)) if at.awaited else []
        if at.awaited and not values and not now.part:
            values = [Offer("", at.awaited.help, True, at.awaited.metavar)]  # what it is to be
            yield from [*values, *_options(at)]
            return
        yield from values
        if not now.part and (at.awaited is None or not at.awaited.required or at.given):
            yield from _options(at)


def _options(at: Place) -> list[Offer]:
    """The options that may still be given, the needed ones first."""
    left = [one for one in at.node.options if one.multiple or not at.used.intersection(one.names)]
    left.sort(key=lambda one: not one.required)
    return [
        Offer(name, f"needed: {one.help}" if one.required else one.help)
        for one in left
        for name in one.names
        if name.startswith("--")
    ]


def _values(parameter: Parameter, at: Place, part: str, sources: Sources) -> Iterator[Offer]:
    """What may be given for it."""
    if parameter.choices:
        yield from _matching([Offer(one) for one in parameter.choices], part)
        return
    kind = kind_of(parameter, at.node)
    if kind is not None:
        yield from _of_kind(kind, part, at.given, sources)
    elif parameter.default is not None and at.of_option:
        yield from _matching([Offer(parameter.default, "unless given")], part)


def kind_of(parameter: Parameter, node: Node) -> str | None:
    """What it is, as its metavar says; None for free text and numbers."""
    word = parameter.metavar.removesuffix("...")
    for size in range(len(node.words), 0, -1):
        if own := KINDS_OF_COMMANDS.get((node.words[:size], word)):
            return own
    return KINDS.get(word) or ("file" if parameter.kind == "file" else None)


def _of_kind(kind: str, part: str, given: Mapping[str, str], sources: Sources) -> Iterator[Offer]:
    if kind == "alias":
        aliases = sources.aliases().items()
        yield from _matching([Offer(name, f"= {text}") for name, text in aliases], part)
    elif kind in _LISTS:
        head, comma, last = part.rpartition(",")
        for offer in _of_kind(_LISTS[kind], last, given, sources):
            if offer.text not in head.split(","):
                yield Offer(head + comma + offer.text, offer.about, True, offer.text)
    else:
        yield from _matching(sources.offers(kind, part, given), part)


def _matching(offers: Iterable[Offer], part: str) -> list[Offer]:
    """Those that begin with the part, in its case first; else those that hold it, or its letters
    in that order.
    """
    every = list(offers)
    low = part.lower()
    begin = [one for one in every if one.text.lower().startswith(low)]
    if begin:
        return sorted(begin, key=lambda one: not one.text.startswith(part))
    hold = [one for one in every if low in one.text.lower()]
    return hold or [one for one in every if _has_letters(one.text.lower(), low)]


def _has_letters(text: str, letters: str) -> bool:
    """All of them, in their order, from the same first one."""
    rest = iter(text)
    return text[:1] == letters[:1] and all(letter in rest for letter in letters)


def _found(offer: Offer, now: Typed) -> Found:
    if not offer.text:
        return Found("", now.start, offer.shown, offer.about)
    text = written(offer.text, now.quote, is_open=offer.goes_on)
    if text != offer.text and offer.in_quotes:
        text = written(offer.in_quotes, now.quote, is_open=offer.goes_on)
    shown = offer.shown or offer.text
    return Found(text if offer.goes_on else f"{text} ", now.start, shown, offer.about)
