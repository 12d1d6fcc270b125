"""A valid session config, and every way we know to spoil it, each with the path to be named."""

import copy
from typing import Any

VALID: dict[str, Any] = {
    "name": "test",
    "symbols": ["AAA", "BBB"],
    "replay": {"start": "2024-11-01", "end": "2024-11-29", "speed": 60},
    "base_interval": "1m",
    "derived_intervals": ["5m", "1h", "1d"],
    "history": {"1m": 5, "5m": "all", "1d": 250},
    "indicators": [
        {"name": "SMA", "interval": "5m", "params": {"timeperiod": 10}},
        {"name": "ADD", "inputs": ["close", "open"]},
    ],
    "strategies": [
        {"use": "app.strategies.examples.sma_cross:SmaCross", "params": {"fast": 10}},
        {"use": "mine.py", "name": "second"},
    ],
    "account": {"currency": "USD", "cash": 100000},
    "execution": {"market_fill": "next_open", "participation": 0.1},
    "risk": {"allow_short": True, "max_order_quantity": 100, "max_position_quantity": None},
    "report": {"equity": "instant"},
    "engine": {"block_rows": 390, "runner": "inline"},
}
GONE = object()


def spoiled(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """VALID with `value` at a path, or without what was there."""
    config = copy.deepcopy(VALID)
    at: Any = config
    for part in path[:-1]:
        at = at[part]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return config


# (where to put it, what to put, the path in the message, a part of the message)
Case = tuple[tuple[str | int, ...], object, str, str]

_OBJECTS = ("replay", "account", "execution", "risk", "report", "engine", "history")
_LISTS = ("symbols", "derived_intervals", "indicators", "strategies")

CASES: list[Case] = [
    # wrong kinds
    *[((key,), bad, key, "an object {...}") for key in _OBJECTS for bad in ([], "x", 1, None)],
    *[((key,), bad, key, "a list") for key in _LISTS for bad in ({}, "x", 1, None)],
    *[((key, 0), bad, f"{key}[0]", "allowed is") for key in _LISTS for bad in (None, 1, [[]])],
    *[((key,), GONE, key, "it is missing") for key in ("name", "symbols", "replay", "strategies")],
    *[(("replay", key), GONE, f"replay.{key}", "it is missing") for key in ("start", "end")],
    (("indicators", 0, "name"), GONE, "indicators[0].name", "it is missing"),
    (("strategies", 1, "use"), GONE, "strategies[1].use", "it is missing"),
    # unknown keys
    (("symbol",), ["AAA"], "symbol", "Did you mean 'symbols'?"),
    (("Name",), "x", "Name", "Did you mean 'name'?"),
    (("zzz",), 1, "zzz", "unknown key"),
    (("",), 1, '[""]', "unknown key"),
    (("a b",), 1, '["a b"]', "unknown key"),
    (("x" * 200,), 1, "xxx", "unknown key"),
    (("replay", "stat"), 1, "replay.stat", "Did you mean 'start'?"),
    (("replay", "$schema"), "x", "replay.$schema", "unknown key"),
    (("account", "curency"), 1, "account.curency", "Did you mean 'currency'?"),
    (("account", "kind"), "cahs", "account.kind", "Did you mean 'cash'?"),
    (("account", "leverage"), 0.5, "account.leverage", "1"),
    (("account", "leverage"), 101, "account.leverage", "100"),
    (("account", "margin_rate"), 1.5, "account.margin_rate", "1"),
    (("account", "borrow_rate"), -0.01, "account.borrow_rate", "0"),
    (("account", "books"), {"USD": 5}, "account.books", "the account's own currency"),
    (("account", "books"), {"EUR": 0}, "account.books.EUR", "0"),
    (("account", "rates"), {"eur": "EUR/USD"}, "account.rates", "allowed is a code like USD"),
    (("account", "rates"), {"EUR": "eur"}, "account.rates.EUR", "allowed are capital letters"),
    (("account", "rates_market"), "", "account.rates_market", "at least 1 character"),
    (("account",), {"kind": "cash", "leverage": 2}, "account", "leave out leverage, or use"),
    (("account",), {"kind": "cash", "borrow_rate": 0.1, "margin_rate": 0.2}, "account",
     "a cash account borrows nothing; leave out margin_rate, borrow_rate"),
    (("execution", "commission"), 1, "execution.commission", "unknown key"),
    (("execution", "fees"), "ib_tierd", "execution.fees", "ib_tiered"),
    (("execution", "fees"), 5, "execution.fees", "'zero', 'ib_fixed', 'ib_tiered' or"),
    (("execution", "fees"), {"per_shar": 1}, "execution.fees.per_shar", "Did you mean 'per_share'"),
    (("execution", "fees"), {"like": "ib_tierd"}, "execution.fees.like", "mean 'ib_tiered'?"),
    (("execution", "fees"), {"minimum": -0.01}, "execution.fees.minimum", "at least 0"),
    (("execution", "fees"), {"maximum": "-1"}, "execution.fees.maximum", "at least 0"),
    (("execution", "fees"), {"rate": 1.5}, "execution.fees.rate", "at most 1"),
    (("execution", "fees"), {"rate": "0.1%"}, "execution.fees.rate", 'found "0.1%", allowed is a'),
    (("execution", "fees"), {"sale_rate": True}, "execution.fees.sale_rate", "a number"),
    (("execution", "fees"), {"rate": "1e-999"}, "execution.fees.rate", "at most 12 decimals"),
    (("execution", "limit_fill"), "cross", "execution.limit_fill", "through"),
    (("execution", "latency_ms"), -1, "execution.latency_ms", "0"),
    (("execution",), {"market_fill": "this_close", "latency_ms": 5}, "execution.latency_ms",
     "no time for latency"),
    (("execution", "same_bar"), "wurst", "execution.same_bar", "worst"),
    (("execution", "slippage"), {"kind": "ticks"}, "execution.slippage.kind", "bps"),
    (("execution", "slippage"), {"amount": 2}, "execution.slippage.amount", "moves nothing"),
    (("execution", "slippage"), {"kind": "bps", "bars": 5}, "execution.slippage.bars", "only"),
    *[(("execution", "slippage"), {"kind": "volatility", "bars": bad}, "execution.slippage.bars",
       "allowed is a") for bad in (0, 5001, 1.5, "20", None)],
    (("execution", "slippage"), {"amount": -0.5}, "execution.slippage.amount", "0"),
    (("risk", "max_loss"), 1, "risk.max_loss", "unknown key"),
    (("risk", "symbols"), {"SYN1": {"max_loss": 1}}, "risk.symbols.SYN1.max_loss", "unknown key"),
    (("risk", "symbols"), {"AAA": {"max_order_valu": 1}}, "risk.symbols.AAA.max_order_valu",
     "Did you mean 'max_order_value'?"),
    (("risk", "strategies"), {"second": {"groups": {}}}, "risk.strategies.second.groups",
     "unknown key"),
    (("report", "plots"), 1, "report.plots", "unknown key"),
    (("engine", "threads"), 4, "engine.threads", "unknown key"),
    (("indicators", 1, "param"), {}, "indicators[1].param", "Did you mean 'params'?"),
    (("strategies", 0, "params_"), {}, "strategies[0].params_", "Did you mean 'params'?"),
    # names and text
    *[(("name",), bad, "name", "") for bad in ("", "x" * 65, " x", "x ", "a\nb", "\x07", 5, None)],
    (("market",), "", "market", "at least 1 character"),
    (("market",), "X" * 33, "market", "at most 32 characters"),
    (("market",), 5, "market", "text"),
    # mode
    (("mode",), "live", "replay", "a live run has no dates; leave it out."),
    (("mode",), "lvie", "mode", "Did you mean 'live'?"),
    (("live",), {}, "live", "only the mode \"live\" reads it; leave it out."),
    (("mode",), "replya", "mode", "Did you mean 'replay'?"),
    (("mode",), "Replay", "mode", "Did you mean 'replay'?"),
    (("mode",), None, "mode", "found null, allowed is 'replay' or 'live'"),
    # symbols
    *[(("symbols", 1), bad, "symbols[1]", "")
      for bad in ("", "aaa", "A A", "$A", "-A", "A" * 33, "Ä", "A\n", True, 1.5)],
    *[(("symbols", 1), bad, "symbols[1]", "Did you mean 'BTC/USDT'?")
      for bad in ("btc/usdt", "Btc/Usdt ")],
    (("symbols",), [], "symbols", "at least 1 item"),
    (("symbols",), ["AAA", "BBB", "AAA"], "symbols[2]", "the same as at [0]"),
    # replay
    *[(("replay", "start"), bad, "replay.start", 'a date like "2024-11-29"')
      for bad in ("", "x", "2024-13-01", "2024-02-30", "01/02/2024", 20241101, None, "20241101",
                  "2024-11-01T09:30:00", 1.5, True)],
    (("replay", "end"), "2024-10-31", "replay.end", "before the start 2024-11-01"),
    *[(("replay", "speed"), bad, "replay.speed", "allowed is")
      for bad in (0, -1, "fast", 1_000_001, None, True, "60")],
    (("replay", "speed"), "Max", "replay.speed", "Did you mean 'max'?"),
    # intervals
    *[(("base_interval",), bad, "base_interval", "allowed is '1m'")
      for bad in ("2m", "1M", "1D", "", None, 1)],
    *[(("derived_intervals", 0), bad, "derived_intervals[0]", "is not an interval")
      for bad in ("", "m", "0m", "05m", "5M", "2d", "1w", "5 m", "-5m", "99999m", "90s")],
    (("derived_intervals", 0), "1m", "derived_intervals[0]", "multiple of the base interval 1m"),
    (("derived_intervals", 0), "\x1b[2J", "derived_intervals[0]", "'\\u001b[2J' is not an"),
    (("derived_intervals", 0), "48h", "derived_intervals[0]", "use 1d"),
    (("derived_intervals", 0), "24h", "derived_intervals[0]", "use 1d"),
    (("derived_intervals", 0), "1h", "derived_intervals[1]", "the same as at [0]"),
    (("base_interval",), "1h", "derived_intervals[0]", "multiple of the base interval 1h"),
    (("base_interval",), "1d", "derived_intervals[2]", "multiple of the base interval 1d"),
    # history
    (("history", "15m"), 5, "history.15m", "allowed are the run's intervals: 1m, 5m, 1h, 1d"),
    (("history", ""), 5, 'history[""]', "allowed are"),
    *[(("history", "1m"), bad, "history.1m", "allowed is")
      for bad in (-1, 5001, 1.5, "5", None, True, [], "every")],
    (("history", "1m"), "ALL", "history.1m", "Did you mean 'all'?"),
    # indicators
    (("indicators", 0, "name"), "SMAA", "indicators[0].name", "Did you mean 'SMA'?"),
    (("indicators", 0, "name"), "", "indicators[0].name", "not in the catalogue"),
    (("indicators", 0, "name"), 5, "indicators[0].name", "text"),
    (("indicators", 0, "interval"), "15m", "indicators[0].interval", "add it to derived_intervals"),
    (("indicators", 0, "interval"), "", "indicators[0].interval", "not an interval of this run"),
    (("indicators", 0, "interval"), 5, "indicators[0].interval", "text"),
    (("indicators", 0, "params"), [], "indicators[0].params", "an object"),
    (("indicators", 0, "params", "timeperiod"), 0, "indicators[0].params.timeperiod", "from 1 to"),
    (("indicators", 0, "params", "timeperiod"), 1.5, "indicators[0].params.timeperiod", "whole"),
    (("indicators", 0, "params", "timeperiod"), "ten", "indicators[0].params.timeperiod", "'ten'"),
    (("indicators", 0, "params", "timeperiod"), None, "indicators[0].params.timeperiod", "null"),
    (("indicators", 0, "params", "timeperiod"), True, "indicators[0].params.timeperiod", "true"),
    (("indicators", 0, "params", "timeperiod"), [], "indicators[0].params.timeperiod", "found []"),
    (("indicators", 0, "params", "timeperiods"), 5, "indicators[0].params.timeperiods", "Did you"),
    (("indicators", 1, "inputs"), ["close"], "indicators[1].inputs", "reads 2 columns"),
    (("indicators", 1, "inputs"), ["close", "ope"], "indicators[1].inputs[1]", "mean 'open'?"),
    (("indicators", 1, "inputs"), "close", "indicators[1].inputs", "a list"),
    (("indicators", 1), {"name": "SMA", "interval": "5m", "params": {"timeperiod": 10}},
     "indicators[1]", "the same as at [0]"),
    # strategies
    *[(("strategies", 0, "use"), bad, "strategies[0].use", "package.module:Class")
      for bad in ("", "x", "a.b", "a:b:C", ":C", "a.b:", "1a:B", "../x.py", "/x.py", "x.txt",
                  "a..b:C", "a b:C", "a/../b.py", ".py", "a.b:C()", "a.b:C\n")],
    (("strategies", 0, "use"), 5, "strategies[0].use", "text"),
    (("strategies", 0, "name"), "", "strategies[0].name", "at least 1 character"),
    (("strategies", 0, "name"), "second", "strategies[1]", "Give it a 'name' of its own"),
    (("strategies", 0, "params"), [1], "strategies[0].params", "an object"),
    (("strategies",), [], "strategies", "at least 1 item"),
    # sizing
    *[(("sizing",), bad, "sizing", "an object {...}") for bad in ([], "x", 1)],
    (("sizing",), {}, "sizing.method", "it is missing"),
    (("sizing",), {"method": "percent_risks"}, "sizing.method", "Did you mean 'percent_risk'?"),
    (("sizing",), {"method": "percent_risk"}, "sizing.percent",
     "it is missing; 'percent_risk' needs it: what is lost at the stop"),
    (("sizing",), {"method": "fixed"}, "sizing.quantity", "'fixed' needs it"),
    (("sizing",), {"method": "fixed", "quantity": 0}, "sizing.quantity", "above 0"),
    (("sizing",), {"method": "fixed", "quantity": 5, "percent": 1}, "sizing.percent",
     "'fixed' does not read it, but quantity; leave it out."),
    (("sizing",), {"method": "percent_risk", "percent": 101}, "sizing.percent", "at most 100"),
    (("sizing",), {"method": "percent_equity", "percent": 0}, "sizing.percent", "above 0"),
    (("sizing",), {"method": "percent_equity", "percnt": 5}, "sizing.percnt", "mean 'percent'?"),
    (("sizing",), {"method": "equal_weight", "count": 0}, "sizing.count", "at least 1"),
    (("sizing",), {"method": "volatility_target", "percent": 1, "interval": "7s"},
     "sizing.interval", "is not an interval"),
    (("sizing",), {"method": "volatility_target", "percent": 1, "interval": "48h"},
     "sizing.interval", "use 1d"),
    (("sizing",), {"method": "volatility_target", "percent": 1, "bars": 1}, "sizing.bars", "2"),
    (("strategies", 0, "sizing"), {"method": "fixed"}, "strategies[0].sizing.quantity", "needs it"),
    (("strategies", 1, "sizing"), {"method": "volatility_target", "percent": 1, "interval": "1x"},
     "strategies[1].sizing.interval", "is not an interval"),
    # account, execution, risk, report, engine
    *[(("account", "currency"), bad, "account.currency", "")
      for bad in ("", "usd", "US", "DOLLAR", "U$D", 1, None)],
    *[(("account", "cash"), bad, "account.cash", "allowed is")
      for bad in (0, -1, "x", "", None, True, [], 10**16, "NaN", "Infinity", "-5")],
    *[(("execution", "market_fill"), bad, "execution.market_fill", "allowed is 'next_open'")
      for bad in ("thisclose", "nextopen", "", None)],
    *[(("execution", "participation"), bad, "execution.participation", "allowed is")
      for bad in (0, 1.1, -0.1, "10%", True, [])],
    *[(("risk", "allow_short"), bad, "risk.allow_short", "true or false")
      for bad in ("yes", 1, 0, None, "true")],
    *[(("risk", key), bad, f"risk.{key}", "allowed is")
      for key in ("max_order_quantity", "max_position_quantity") for bad in (0, -1, "x", True)],
    *[(("risk", "max_open_orders"), bad, "risk.max_open_orders", "allowed is")
      for bad in (0, -1, 1.5, "x", True, 10**6 + 1)],
    (("risk", "restricted"), ["AAB"], "risk.restricted[0]", "this run has AAA, BBB. Did you mean"),
    (("risk", "restricted"), ["aaa"], "risk.restricted[0]", "allowed are capital letters"),
    (("risk",), {"groups": {"cars": ["BBB", "BBC"]}}, "risk.groups.cars[1]", "Did you mean 'BBB'?"),
    (("risk", "max_group_percent"), 20, "risk.max_group_percent", "it needs groups beside it"),
    (("risk",), {"strategies": {"second": {"max_group_percent": 5}}},
     "risk.strategies.second.max_group_percent", "it needs groups beside strategies"),
    *[(("risk", key), bad, f"risk.{key}", "allowed is")
      for key in ("max_orders_per_day", "duplicate_seconds", "no_entries_last_minutes")
      for bad in (0, -1, 1.5, "x", True, 10**10)],
    *[(("risk", "min_data_quality_percent"), bad, "risk.min_data_quality_percent", "allowed is")
      for bad in (0, -1, 101, "x", True)],
    *[(("report", "equity"), bad, "report.equity", "allowed is 'instant' or 'session'")
      for bad in ("daily", "", None)],
    *[(("engine", "block_rows"), bad, "engine.block_rows", "allowed is")
      for bad in (0, 8193, -1, 1.5, "390", None, True)],
    *[(("engine", "runner"), bad, "engine.runner", "allowed is 'pool' or 'inline'")
      for bad in ("threads", "", None, 1)],
    (("engine", "runner"), "inlin", "engine.runner", "Did you mean 'inline'?"),
]  # fmt: skip

# (the bytes of a file, a part of the message)
BROKEN_FILES: list[tuple[bytes, str]] = [
    (b"", "not JSON at line 1, column 1"),
    (b"# mine\n{}", "JSON has no comments: take it out."),
    (b'{"name": "x", // mine\n"symbols": []}', "JSON has no comments: take it out."),
    (b'{"name": "x",}', "Take out the comma before the closing bracket."),
    (b'{"symbols": ["A",\n]}', "Take out the comma before the closing bracket."),
    (b"{'name': 1}", 'Texts stand in straight double quotes: "name".'),
    ("{“name”: 1}".encode(), 'Texts stand in straight double quotes: "name".'),
    (b'{"paused": True}', "Write true."),
    (b'{"paused": None}', "Write null."),
    (b"name: x\nsymbols: [A]\n", "YAML and the like are not read"),
    (b"name = 'x'\n", "YAML and the like are not read"),
    (b"   \n", "not JSON at line 2, column 1"),
    (b"{", "line 1, column 2"),
    (b'{"name": "x",}', "line 1, column"),
    (b'{\n  "name": x\n}', "line 2, column 11"),
    (b"{'name': 1}", "line 1, column 2"),
    (b'{"name": "x"} {}', "Extra data"),
    (b'{"name": "x" // comment\n}', "not JSON"),
    (b'{"name": "a\nb"}', "Invalid control character"),
    (b'{"name": "\\x"}', "Invalid \\escape"),
    (b'{"name": 01}', "not JSON"),
    (b"null", "one JSON object"),
    (b"[]", "one JSON object"),
    (b'"text"', "one JSON object"),
    (b"5", "one JSON object"),
    (b"NaN", "one JSON object"),
    (b'{"replay": {"speed": NaN}}', "replay.speed: found NaN"),
    (b'{"replay": {"speed": -Infinity}}', "replay.speed: found -Infinity"),
    (b'{"strategies": [{"use": "a:B", "params": {"x": 1e999}}]}', "strategies[0].params.x: found"),
    (b'{"name": "x", "name": "y"}', "name: the key is given more than once"),
    (b'{"replay": {"end": 1, "end": 1, "end": 2}}', "replay.end: the key is given more than once"),
    (b'{"account": {"cash": "1e-999999999"}}', 'account.cash: found "1e-999999999", a number wh'),
    (b'{"name": "\\ud800"}', 'name: found "\\ud800", half a character'),
    (b'{"\\ud800": 1}', '["\\ud800"]: the key holds half a character'),
    (b"[" * 100_000, "nested too deep"),
    (b'{"strategies": ' + b"[" * 30 + b"]" * 30 + b"}", "strategies: it is nested deeper"),
    (b'{"name": ' + b"9" * 5000 + b"}", "a number that is too long"),
    (b'{"name": "' + b"x" * 1_000_000 + b'"}', "larger than 1,000,000 bytes"),
    ("{}".encode("utf-16"), "not UTF-8 text (byte 0)"),
    (b'{"name": "\xe9"}', "not UTF-8 text (byte 10)"),
    (b"\x00\x01\x02", "not JSON"),
    (b"PK\x03\x04\xff", "not UTF-8 text"),
]
