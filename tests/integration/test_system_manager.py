"""SystemManager over real files and a real database: states, control from other threads, ends."""

import datetime as dt
import threading
import time
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house
from tests.waiting import until

from app.core.config import SessionConfig
from app.core.errors import (
    AppError,
    ConfigError,
    NotFoundError,
    RunTimeoutError,
    StateError,
    UsageError,
)
from app.core.state import SystemState
from app.managers import get_system_manager
from app.managers.system_manager.system_manager import SystemManager

__all__ = ["stored_market", "system_house"]

MINUTES = 390


def bars_seen(system: SystemManager) -> int:
    """How many bars the engine has reported."""
    assert system._session is not None
    return system._session.bars


# -- states ----------------------------------------------------------------------------------------


def test_a_new_system_is_stopped_and_stopping_it_is_harmless(system_house: SystemHouse) -> None:
    system = system_house.another()
    assert system.state is SystemState.STOPPED
    assert (system.stop(), system.ended, system.session_data()) == (None, None, None)
    assert not system.is_running
    assert system.interrupt() is False


def test_a_stop_before_any_start_does_not_keep_a_run_from_starting(
    system_house: SystemHouse,
) -> None:
    system_house.system.stop()
    assert system_house.system.run(system_house.config()).state == "finished"


def test_a_run_in_the_background_ends_by_itself(system_house: SystemHouse) -> None:
    run_id = system_house.system.start(system_house.config())
    summary = system_house.system.wait(20)
    assert summary is not None
    assert (summary.run_id, summary.state, summary.bars) == (run_id, "finished", 5 * 2 * MINUTES)
    assert system_house.system.state is SystemState.STOPPED


@pytest.mark.parametrize("config", [None, 5, ["x.json"], b"x.json"])
def test_what_is_no_config_is_refused_and_a_start_is_free_after_it(
    system_house: SystemHouse, config: Any
) -> None:
    system = system_house.another()
    for ask in (system.check, system.run, system.start):
        with pytest.raises(UsageError, match="is no session config: give the path"):
            ask(config)
    assert system.state is SystemState.STOPPED


def test_waiting_for_what_was_never_started_is_refused(system_house: SystemHouse) -> None:
    with pytest.raises(StateError, match=r"Nothing was started; call start\(config\) first\."):
        system_house.system.wait()


def test_waiting_ends_without_a_summary_when_the_time_is_over(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(), paused=True)
    assert system.wait(0.05) is None
    assert system.state is SystemState.PAUSED


def test_a_second_start_is_refused_and_leaves_the_first_run_alone(
    system_house: SystemHouse,
) -> None:
    system = system_house.system
    run_id = system.start(system_house.config(), paused=True)
    with pytest.raises(StateError, match=r"PAUSED and cannot become STARTING.*call stop"):
        system.start(system_house.config())
    with pytest.raises(StateError, match="one run at a time"):
        system.run(system_house.config())
    system.resume()
    summary = system.wait(20)
    assert summary is not None
    assert (summary.run_id, summary.state) == (run_id, "finished")
    assert len(system_house.runs().list_runs()) == 1


def test_one_of_many_starts_at_once_wins(system_house: SystemHouse) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(6)

    def begin() -> None:
        ready.wait()
        try:
            outcomes.append(system_house.system.start(system_house.config(), paused=True))
        except StateError:
            outcomes.append("refused")

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("refused") == 5
    assert system_house.system.state is SystemState.PAUSED


def test_systems_run_side_by_side_to_the_same_fingerprint(system_house: SystemHouse) -> None:
    systems = [system_house.another() for _ in range(3)]
    for system in systems:
        system.start(system_house.config())
    summaries = [system.wait(30) for system in systems]
    assert len({summary.run_id for summary in summaries if summary}) == 3
    assert len({summary.fingerprint for summary in summaries if summary}) == 1


def test_the_runner_and_the_block_size_change_nothing(system_house: SystemHouse) -> None:
    engines = [
        {"runner": "pool", "block_rows": 8192},
        {"runner": "inline", "block_rows": 8192},
        {"runner": "pool", "block_rows": 97},
    ]
    found = [system_house.system.run(system_house.config(engine=engine)) for engine in engines]
    keys = {(s.fingerprint, s.final_equity, s.max_drawdown, s.orders, s.trades) for s in found}
    assert len(keys) == 1


def test_the_one_system_of_the_process_is_one() -> None:
    assert get_system_manager() is get_system_manager()
    assert get_system_manager().state is SystemState.STOPPED


# -- control ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pause", "resume", "step", "set_speed"])
def test_without_a_run_there_is_nothing_to_control(system_house: SystemHouse, name: str) -> None:
    words = ("max",) if name == "set_speed" else ()
    with pytest.raises(StateError, match="No run is under way: the system is STOPPED"):
        getattr(system_house.system, name)(*words)


def test_control_of_a_run_that_is_over_is_refused(system_house: SystemHouse) -> None:
    system_house.system.run(system_house.config())
    for command in (system_house.system.pause, system_house.system.resume):
        with pytest.raises(StateError, match="No run is under way"):
            command()
    assert system_house.system.state is SystemState.STOPPED


def test_a_paused_start_shows_nothing_until_it_is_stepped(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(), paused=True)
    time.sleep(0.05)
    assert bars_seen(system) == 0
    system.step(3)
    until(lambda: bars_seen(system) == 3 * 2)
    time.sleep(0.05)
    assert bars_seen(system) == 3 * 2
    system.step()
    until(lambda: bars_seen(system) == 4 * 2)


def test_a_running_replay_cannot_be_stepped(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(speed=1.0))
    with pytest.raises(StateError, match="Only a paused replay can be stepped; pause it first"):
        system.step()
    with pytest.raises(StateError, match="RUNNING and cannot become RUNNING"):
        system.resume()


@pytest.mark.parametrize("speed", [0, -1.0, float("nan"), float("inf"), "fast"])
def test_a_speed_that_is_none_is_refused_and_the_run_goes_on(
    system_house: SystemHouse, speed: object
) -> None:
    system = system_house.system
    system.start(system_house.config(), paused=True)
    with pytest.raises(UsageError, match="is neither 'max' nor a multiple of real time above 0"):
        system.set_speed(speed)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Cannot step 0 instants"):
        system.step(0)
    system.resume()
    assert system.wait(20) is not None


def test_a_slow_replay_finishes_once_it_may_hurry(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(speed=0.001))
    assert system.wait(0.1) is None
    system.set_speed("max")
    summary = system.wait(20)
    assert summary is not None
    assert summary.state == "finished"


def test_pausing_and_resuming_leave_no_trace_in_the_result(system_house: SystemHouse) -> None:
    """Pauses, steps and changes of pace from another thread, at any moment of the run."""
    plain = system_house.another().run(system_house.config())
    system = system_house.system
    system.start(system_house.config(engine={"block_rows": 50}), paused=True)
    for count in (1, 7, 30):
        system.step(count)
        system.resume()
        system.set_speed(1e6)
        system.pause()
        assert system.state is SystemState.PAUSED
    system.set_speed("max")
    system.resume()
    summary = system.wait(30)
    assert summary is not None
    assert summary.fingerprint == plain.fingerprint
    assert summary.final_equity == plain.final_equity


def test_a_stop_ends_a_paused_run_in_order(system_house: SystemHouse) -> None:
    system = system_house.system
    run_id = system.start(system_house.config(), paused=True)
    system.step(30)
    until(lambda: bars_seen(system) == 60)
    summary = system.stop()
    assert summary is not None
    assert (summary.run_id, summary.state, summary.bars) == (run_id, "stopped", 60)
    assert system.state is SystemState.STOPPED
    assert system.ended is not None
    assert (system.ended.reason, system.ended.error) == ("stopped", None)
    assert system_house.row(run_id)["state"] == "stopped"
    assert system.stop() == summary


def test_a_stop_ends_a_run_on_another_thread_s_hands(system_house: SystemHouse) -> None:
    """`run` works on its caller's thread; a stop from elsewhere reaches it all the same."""
    system, found = system_house.system, []
    runner = threading.Thread(target=lambda: found.append(system.run(config)))
    config = system_house.config(speed=1.0)
    runner.start()
    until(lambda: system.is_running)
    summary = system.stop()
    runner.join(10)
    assert not runner.is_alive()
    assert [summary] == found
    assert found[0].state == "stopped"


def test_a_stop_while_a_run_is_starting_is_not_lost(system_house: SystemHouse) -> None:
    """A stop that comes while the strategies are set up ends the run before its first bar."""
    system_house.strategy(
        "slow.py",
        """
        import threading
        from app.strategies import Strategy

        class Slow(Strategy):
            def setup(self):
                threading.Event().wait(0.3)
        """,
    )
    system = system_house.system
    config = system_house.config(use="slow.py", speed=1.0)
    starter = threading.Thread(target=lambda: system.start(config))
    starter.start()
    until(lambda: system.state is SystemState.STARTING)
    summary = system.stop()
    starter.join(10)
    assert summary is not None
    assert summary.state == "stopped"
    assert system.state is SystemState.STOPPED


def test_many_threads_may_stop_a_failed_system_at_once(system_house: SystemHouse) -> None:
    system = system_house.system
    for _ in range(5):
        with pytest.raises(AppError):
            system.run(system_house.config(use=failing(system_house, "on_bar")))
        assert system.state is SystemState.ERROR
        errors: list[BaseException] = []
        ready = threading.Barrier(4)

        def stop(ready: threading.Barrier = ready, errors: list = errors) -> None:
            ready.wait()
            try:
                system.stop()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=stop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert system.state is SystemState.STOPPED


def test_an_interrupt_ends_the_run_and_says_why(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(speed=1.0))
    assert system.interrupt() is True
    summary = system.wait(10)
    assert summary is not None
    assert summary.state == "stopped"
    assert system.ended is not None
    assert system.ended.reason == "interrupted"
    assert system.interrupt() is False


def test_a_callback_may_ask_for_the_end_of_its_own_run(system_house: SystemHouse) -> None:
    system = system_house.system

    def enough(bars: int, through_ns: int) -> None:
        if bars >= 700:
            system.interrupt()

    config = system_house.config(engine={"block_rows": 100, "runner": "inline"})
    summary = system.run(config, on_progress=enough)
    assert (summary.state, summary.bars) == ("stopped", 700)


def test_progress_only_ever_grows_to_the_end(system_house: SystemHouse) -> None:
    seen: list[tuple[int, int]] = []
    summary = system_house.system.run(
        system_house.config(engine={"block_rows": 100}),
        on_progress=lambda bars, through_ns: seen.append((bars, through_ns)),
    )
    assert seen == sorted(seen)
    assert seen[-1][0] == summary.bars
    closes = dt.datetime(2024, 6, 7, 20, tzinfo=dt.UTC)
    assert seen[-1][1] == int(closes.timestamp()) * 10**9


def test_the_session_clock_shows_during_a_run_and_the_wall_after_it(
    system_house: SystemHouse,
) -> None:
    system = system_house.system
    before = system.time_manager.now_ns()
    system.start(system_house.config(), paused=True)
    system.step(5)
    until(lambda: bars_seen(system) == 10)
    shown = system.get_time_manager().get_current_time()
    assert (shown.date(), shown.hour, shown.minute) == (dt.date(2024, 6, 3), 9, 35)
    system.stop()
    assert system.time_manager.now_ns() >= before


def test_the_clock_of_a_run_that_waits_stands_at_its_first_open(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(), paused=True)
    until(lambda: system.time_manager.get_current_time().year != dt.date.today().year)
    assert f"{system.time_manager.get_current_time():%Y-%m-%d %H:%M}" == "2024-06-03 09:30"


# -- what is refused -------------------------------------------------------------------------------

REFUSED = [
    ({"market": "XNYZ"}, ConfigError, "market: There is no market 'XNYZ'. Did you mean"),
    (
        {"start": "2024-06-08", "end": "2024-06-09"},
        ConfigError,
        "XNYS has no session from 2024-06-08 to 2024-06-09; choose other replay dates.",
    ),
    (
        {"start": "2024-06-10", "end": "2024-06-11"},
        NotFoundError,
        "There are no 1m bars of AAA, BBB on XNYS from 2024-06-10 to 2024-06-11. 'data list' "
        "shows what there is; 'data import-csv' and 'data import-api' bring more.",
    ),
    ({"symbols": ("AAA", "ZZZ")}, NotFoundError, "There are no 1m bars of ZZZ on XNYS"),
    (
        {"symbols": ("AAA", "BBBB")},
        NotFoundError,
        "There are no 1m bars of BBBB on XNYS from 2024-06-03 to 2024-06-07. Did you mean 'BBB'? "
        "'data list' shows",
    ),
    (
        {"market": "NYSE"},
        NotFoundError,
        "There are no 1m bars of AAA, BBB on NYSE from 2024-06-03 to 2024-06-07. There are on "
        "XNYS. 'data list' shows",
    ),
    ({"base_interval": "5m"}, NotFoundError, "There are no 5m bars of AAA, BBB on XNYS"),
    ({"base_interval": "5m"}, NotFoundError, "There are 1m bars: a run's base_interval is one"),
    ({"start": "1960-01-04"}, NotFoundError, "1960 is beyond it"),
    (
        {"account": {"currency": "EUR"}},
        ConfigError,
        "The account is in EUR and needs a rate of USD. Name a symbol to read it from: "
        '"rates": {"USD": "USD/EUR"} in the config\'s account.',
    ),
    (
        {"history": {"1m": 0}, "indicators": [{"name": "SMA", "params": {"timeperiod": 500}}]},
        ConfigError,
        "history of 1m is 0 sessions, but SMA(500) needs 499 bars before its first value: it "
        "would never be ready. Declare at least 1.",
    ),
    ({"use": "nowhere.py"}, ConfigError, "there is no such file in"),
]


@pytest.mark.parametrize(("parts", "kind", "message"), REFUSED)
def test_what_cannot_run_is_refused_in_words_before_anything_is_written(
    system_house: SystemHouse, parts: dict[str, object], kind: type[AppError], message: str
) -> None:
    system = system_house.system
    with pytest.raises(kind) as raised:
        system.run(system_house.config(**parts))
    assert message in str(raised.value)
    assert system.state is SystemState.STOPPED
    assert not (system_house.folder / "runs").exists()
    assert system_house.runs().list_runs() == []
    assert system.run(system_house.config()).state == "finished"


def test_a_config_file_that_is_none_is_refused(system_house: SystemHouse) -> None:
    with pytest.raises(AppError):
        system_house.system.run(system_house.folder / "nowhere.json")
    path = system_house.folder.parent / "config.json"
    path.write_text('{"name": 3}', encoding="utf-8")
    with pytest.raises(ConfigError, match="name"):
        system_house.system.run(str(path))
    assert system_house.system.state is SystemState.STOPPED


def test_a_config_may_be_a_path_a_text_or_the_config(system_house: SystemHouse) -> None:
    config = system_house.config()
    path = system_house.file(config)
    given: list[SessionConfig | object] = [config, path, str(path)]
    found = {system_house.system.run(one).fingerprint for one in given}  # type: ignore[arg-type]
    assert len(found) == 1


# -- time-outs -------------------------------------------------------------------------------------


def test_a_run_that_takes_too_long_is_stopped_and_recorded(system_house: SystemHouse) -> None:
    system = system_house.system
    with pytest.raises(RunTimeoutError, match=r"was stopped after 0\.1 s\.") as raised:
        system.run(system_house.config(speed=1.0), timeout_seconds=0.1)
    assert raised.value.exit_code == 5
    assert system.state is SystemState.STOPPED
    assert system.ended is not None
    assert system_house.row(system.ended.summary.run_id)["state"] == "stopped"


@pytest.mark.parametrize("seconds", [1e10, float("inf"), 1e300, None])
def test_a_timeout_beyond_all_clocks_is_as_good_as_none(
    system_house: SystemHouse, seconds: float | None
) -> None:
    assert system_house.system.run(system_house.config(), timeout_seconds=seconds).fills > 0


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_a_timeout_that_makes_no_sense_is_refused(
    system_house: SystemHouse, seconds: float
) -> None:
    with pytest.raises(UsageError, match="makes no sense; give seconds above 0"):
        system_house.system.run(system_house.config(), timeout_seconds=seconds)
    assert not (system_house.folder / "runs").exists()


# -- failures --------------------------------------------------------------------------------------


def failing(house: SystemHouse, hook: str) -> str:
    """A strategy that trades a while, then fails in this hook."""
    arguments = {
        "on_bar": "bar",
        "on_order": "order",
        "on_position": "symbol, position",
        "on_timer": "name",
        "on_session_open": "session",
        "on_session_close": "session",
    }
    lines = ["from app.strategies import Strategy", "class Failing(Strategy):"]
    for name, words in arguments.items():
        lines.append(f"    def {name}(self, {words}):")
        if name == "on_bar":
            lines += [
                "        self.order(bar.symbol, 10 if self.now.minute % 2 else -10)",
                "        if self.now.minute == 50: self.timer('soon', self.now.replace(minute=55))",
            ]
        if name == hook:
            when = "10, 50, 55" if "session" not in name else "0, 30"
            lines.append(f"        if self.now.minute in ({when}) and self.now.day > 3:")
            lines.append("            {}['missing']")
        lines.append("        pass")
    return house.strategy(f"failing_{hook}.py", "\n".join(lines))


HOOKS = ["on_bar", "on_order", "on_position", "on_timer", "on_session_open", "on_session_close"]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_strategy_that_raises_is_told_by_its_own_line_and_recorded_as_failed(
    system_house: SystemHouse, hook: str
) -> None:
    system = system_house.system
    with pytest.raises(AppError) as raised:
        system.run(system_house.config(use=failing(system_house, hook)))
    first, where = str(raised.value).splitlines()
    assert first.startswith(f"Strategy failing_{hook} failed in {hook} at 2024-06-04 ")
    assert first.endswith(": KeyError: 'missing'")
    assert where.startswith(f"  failing_{hook}.py:")
    assert where.endswith(f" in {hook}: {{}}['missing']")
    assert raised.value.exit_code == 1
    assert system.ended is not None
    row = system_house.row(system.ended.summary.run_id)
    assert (row["state"], row["error"]) == ("failed", str(raised.value))


def test_a_failure_is_raised_to_whoever_waits(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(use=failing(system_house, "on_bar")))
    with pytest.raises(AppError, match="KeyError"):
        system.wait(20)
    assert system.state is SystemState.ERROR
    with pytest.raises(StateError, match=r"ERROR and .*The last run failed: call stop\(\) first"):
        system.start(system_house.config())
    assert system.stop() is not None
    assert system.run(system_house.config()).state == "finished"
    system.start(system_house.config())
    assert system.wait(20) is not None


def test_a_setup_that_raises_starts_no_run(system_house: SystemHouse) -> None:
    system_house.strategy(
        "early.py",
        """
        from app.strategies import Strategy

        class Early(Strategy):
            def setup(self):
                raise ValueError("not like this")
        """,
    )
    with pytest.raises(AppError, match=r"failed in setup at the start: ValueError: not like this"):
        system_house.system.run(system_house.config(use="early.py"))
    assert system_house.system.state is SystemState.STOPPED
    assert system_house.runs().list_runs() == []


def test_of_two_strategies_the_one_that_raised_is_named(system_house: SystemHouse) -> None:
    use = failing(system_house, "on_bar")
    config = system_house.config(
        strategies=[{"use": "trader.py", "name": "good"}, {"use": use, "name": "broken"}]
    )
    with pytest.raises(AppError, match="Strategy broken failed in on_bar"):
        system_house.system.run(config)


def test_an_indicator_that_peeks_stops_the_run_naming_it(system_house: SystemHouse) -> None:
    system_house.strategy(
        "peeking.py",
        """
        from app.strategies import Strategy

        def centred(close):
            return close - close.mean()

        class Peeking(Strategy):
            def setup(self):
                self.indicator(centred)
        """,
    )
    told = r"Indicator centred \(peeking.py:\d+\) looks ahead: .* the bar of 2024-.* E[DS]T changes"
    with pytest.raises(AppError, match=told):
        system_house.system.run(system_house.config(use="peeking.py"))
    assert system_house.system.state is SystemState.ERROR


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (
            "close / by(0)",
            r"failed{bar}, on \d+ rows: ZeroDivisionError: .*\n.*\n  frail.py:9 in by: ",
        ),
        ("close[1:]", r"returned an array of float64 with shape \(\d+,\){bar}; it must return one"),
        ("close * np.where(close == close[-1], np.inf, 1)", r"returned inf in row \d+{bar}, after"),
    ],
)
def test_an_indicator_that_fails_names_its_line_the_bar_and_the_symbol(
    system_house: SystemHouse, result: str, told: str
) -> None:
    """As a strategy's failure does: its file and line, and a moment of the market."""
    system_house.strategy(
        "frail.py",
        f"""
        import numpy as np
        from app.strategies import Strategy

        def frail(close):
            return {result}

        def by(number):
            return 1 / number

        class Frail(Strategy):
            def setup(self):
                self.indicator(frail)
        """,
    )
    bar = r" at [A-Z]\w*'s bar of 2024-\d\d-\d\d \d\d:\d\d:00 E[DS]T"
    who = r"Indicator frail \(frail.py:\d+\) "
    with pytest.raises(AppError, match=who + told.replace("{bar}", bar)):
        system_house.system.run(system_house.config(use="frail.py"))


def test_a_callback_that_raises_fails_the_run_and_the_next_one_works(
    system_house: SystemHouse,
) -> None:
    system = system_house.system

    def broken(bars: int, through_ns: int) -> None:
        raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="the terminal is gone"):
        system.run(system_house.config(), on_progress=broken)
    assert system.state is SystemState.ERROR
    system.stop()
    assert system.run(system_house.config()).state == "finished"
