"""The part of a session config that a live run reads: venue, broker, and what to do in trouble."""

from typing import Annotated, Literal

from pydantic import Field

from app.core.config_account import Part


class NotifyConfig(Part):
    """Where alarms go, besides the log and whoever is attached."""

    # A program and its words, given the alarm as JSON on its standard input; never a shell.
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0


class LiveConfig(Part):
    """Which venue, which broker, for how long, and how careful."""

    venue: Annotated[str, Field(min_length=1, max_length=32)] = "practice"
    url: Annotated[str, Field(min_length=1, max_length=512)] | None = None  # the venue's usual one
    broker: Literal["paper", "venue"] = "paper"
    account: Annotated[str, Field(min_length=1, max_length=64)] = "default"
    sessions: Annotated[int, Field(ge=1, le=10_000)] = 1  # to trade; the one under way counts
    grace_ms: Annotated[int, Field(ge=0, le=60_000)] = 2_000  # for a minute to become complete
    stale_seconds: Annotated[float, Field(ge=1, le=3_600)] = 90.0  # of silence, and entries halt
    external: Literal["adopt", "ignore", "halt"] = "halt"  # orders and holdings not of this run
    on_stop: Literal["keep", "flatten"] = "keep"
    on_error: Literal["freeze", "flatten"] = "freeze"
    notify: NotifyConfig = NotifyConfig()
