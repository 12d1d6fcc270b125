"""Which column of a file means what: guessed from its name, overridable, never assumed."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from app.core.errors import DataError, UsageError, did_you_mean

PRICES = ("open", "high", "low", "close")
QUOTES = tuple(
    f"{side}_{what}" for side in ("bid", "ask") for what in ("open", "high", "low", "close", "size")
)
QUOTE_PRICES = tuple(name for name in QUOTES if not name.endswith("_size"))
ROLES = ("timestamp", "date", "time", *PRICES, "volume", *QUOTES, "symbol")

# Names as `plain_name` leaves them; the first that a file has is taken.
_ALIASES: dict[str, tuple[str, ...]] = {
    "timestamp": (
        "timestamp", "datetime", "unixtimestamp", "unix", "epoch", "ts", "tsevent", "opentime",
        "starttime", "start", "windowstart", "time", "date", "t", "begin", "gmttime", "localtime",
        "utc", "utctime", "timeutc", "dateutc", "datetimeutc", "timestamputc",
        "index", "indexlevel0",
    ),
    "open": ("open", "o", "openprice", "first"),
    "high": ("high", "h", "highprice", "max"),
    "low": ("low", "l", "lowprice", "min"),
    "close": ("close", "c", "closeprice", "closelast", "last"),
    "volume": ("volume", "v", "vol", "qty", "quantity", "basevolume", "tickvol", "size"),
    "symbol": ("symbol", "ticker", "sym"),
}  # fmt: skip


# A number or a time, and no name of anything.
_VALUE = re.compile(r"(?=\D*\d)[-+\d.,:/ TZ]+")


_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?|([01]\d|2[0-3])[0-5]\d([0-5]\d)?")


class ColumnMap(msgspec.Struct, frozen=True):
    """The file's column for each role it fills, and the columns that mean nothing to us."""

    names: dict[str, str]
    ignored: tuple[str, ...]

    @property
    def from_quotes(self) -> bool:
        """Whether bars have to be made of quotes, as the file has no prices of trades."""
        return "open" not in self.names


def map_columns(header: Sequence[str], given: Mapping[str, str]) -> ColumnMap:
    """Match a file's header to roles; `given` (role to column name) goes before any guess."""
    if sum(_VALUE.fullmatch(name) is not None for name in header) > len(header) / 2:
        raise DataError(
            f"The first line holds values, {', '.join(header)[:80]}, and no names of columns: give"
            f" them with --names {','.join(_names_for(header))} if that is what they are."
        )
    names = _check_given(header, given)
    by_plain = {plain_name(name): name for name in reversed(header) if name not in names.values()}
    if not {"timestamp", "date", "time"} & names.keys():
        names.update(_guess_time(by_plain))
    if not {"timestamp", "date", "time"} & names.keys() and header[:1] == [""]:
        names["timestamp"] = ""  # as pandas writes an index without a name
    for role in (*PRICES, "volume", "symbol", *QUOTES):
        free = by_plain.keys() - {plain_name(name) for name in names.values()}
        aliases = _ALIASES.get(role, (role.replace("_", ""),))
        found = next((alias for alias in aliases if alias in free), None)
        if role not in names and found is not None:
            names[role] = by_plain[found]
    _check_complete(header, names)
    _check_single(header, names)
    _check_alike(header, names, given)
    return ColumnMap(names, tuple(name for name in header if name not in names.values()))


def roles_of(header: Sequence[str]) -> set[str]:
    """What a header's names are guessed to mean."""
    words = {plain_name(name) for name in header}
    return {role for role, aliases in _ALIASES.items() if words & set(aliases)}


def _names_for(values: Sequence[str]) -> list[str]:
    """What a row's values most often are."""
    has_clock = len(values) > len(PRICES) + 1 and _CLOCK.fullmatch(values[1]) is not None
    times = ["date", "time"] if has_clock else ["timestamp"]
    return [*times, *_order_of(values[len(times) :]), "volume"][: len(values)]


def _order_of(values: Sequence[str]) -> tuple[str, ...]:
    """The order of a row's four prices: the usual one, unless another alone makes sense of it."""
    try:
        cells = [float(value) for value in values[: len(PRICES)]]
    except ValueError:
        return PRICES
    for order in (PRICES, ("low", "high", "open", "close"), ("open", "close", "high", "low")):
        row = dict(zip(order, cells, strict=False))
        if len(row) == len(cells) == len(PRICES):
            least, most = row["low"], row["high"]
            if all(least <= cell <= most for cell in cells):
                return order
    return PRICES


def is_utc(name: str) -> bool:
    """Whether a column's name says that its times are those of Greenwich: `Gmt time`."""
    return re.search("utc|gmt", plain_name(name)) is not None


def plain_name(name: str) -> str:
    """`Bid Open`, `bid_open` and `<BID_OPEN>` are one word."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _check_given(header: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    for role, name in given.items():
        if role not in ROLES:
            raise UsageError(
                f"'{role}' is not a column of ours; there are {', '.join(ROLES)}."
                f"{did_you_mean(role, ROLES)}"
            )
        if name not in header:
            raise DataError(
                f"The file has no column '{name}' (asked for as {role}); it has"
                f" {', '.join(header)}.{did_you_mean(name, header)}"
            )
    return dict(given)


def _guess_time(by_plain: Mapping[str, str]) -> dict[str, str]:
    aliases = _ALIASES["timestamp"]
    found = next((alias for alias in aliases if alias in by_plain), None)
    if found in ("time", "date") and "date" in by_plain and "time" in by_plain:
        return {"date": by_plain["date"], "time": by_plain["time"]}
    return {} if found is None else {"timestamp": by_plain[found]}


def _check_single(header: Sequence[str], names: Mapping[str, str]) -> None:
    """What is read stands once; what is not, such as plots of a chart, may share a name."""
    for role, name in names.items():
        if header.count(name) > 1:
            raise DataError(
                f"{header.count(name)} columns are called '{name}', and {role} is read from it:"
                " give all but one another name in the file's first line, or say which column else"
                f" it is with --column {role}=NAME."
            )


def _check_alike(header: Sequence[str], names: Mapping[str, str], given: Mapping[str, str]) -> None:
    """A guess has one answer: `Close` and `close` may hold different prices."""
    for role in names.keys() - given.keys():
        name = names[role]
        alike = [
            one
            for one in header
            if plain_name(one) == plain_name(name) and one not in given.values()
        ]
        if len(alike) > 1:
            raise DataError(
                f"The columns {' and '.join(map(repr, alike))} may both be {role}: say which it is"
                f" with --column {role}={name!r}, or the other's name."
            )


def _check_complete(header: Sequence[str], names: Mapping[str, str]) -> None:
    missing = [role for role in PRICES if role not in names]
    if len(missing) == len(PRICES) and all(role in names for role in QUOTE_PRICES):
        missing = []
    if not {"timestamp", "date"} & names.keys():
        missing.insert(0, "timestamp")
    if missing:
        above = "" if names else " Where lines stand above the names, take them out."
        raise DataError(
            f"No column found for {', '.join(missing)}; the header reads"
            f" {', '.join(header)[:200]}. Name it with --column {missing[0]}=NAME.{above}"
        )
