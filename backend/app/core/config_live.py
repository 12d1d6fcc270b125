"""The part of a session config that a live run reads: venue, broker, and what to do in trouble."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from app.core.accounts import USUAL_ACCOUNT
from app.core.config_account import Part
from app.core.config_json import Fault
from app.core.config_problems import raise_if_any
from app.core.logging import redact


class NotifyConfig(Part):
    """Where alarms go, besides the log and whoever is attached."""

    # A program and its words, given the alarm as JSON on its standard input; never a shell.
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0

    @field_validator("command")
    @classmethod
    def _check_command(cls, command: tuple[str, ...] | None) -> tuple[str, ...] | None:
        what = (
            "it holds what looks like a secret, and a config is kept with its run; have the program"
            " read that from the environment."
        )
        words = command or ()
        before = ("", *words)
        found = [place for place, word in enumerate(words) if _tells_secret(before[place], word)]
        raise_if_any([((place,), what) for place in found])
        return command


def _tells_secret(before: str, word: str) -> bool:
    """Whether a word looks like a secret, by itself or behind the option that it belongs to."""
    if redact(word) != word:
        return True
    if before in ("-u", "--user"):  # curl's, for NAME:PASSWORD
        return ":" in word
    names_file = before.endswith(("file", "path", "env"))
    told = f"{before}={word}"
    return before.startswith("-") and not names_file and redact(told) != told


class LiveConfig(Part):
    """Which venue, which broker, for how long, and how careful."""

    venue: Annotated[str, Field(min_length=1, max_length=32)] = "practice"
    url: Annotated[str, Field(min_length=1, max_length=512)] | None = None  # the venue's usual one
    broker: Literal["paper", "venue"] = "paper"
    # With these words orders are real; a start wants them confirmed besides.
    real_money: Literal["I trade real money"] | None = None
    account: Annotated[str, Field(min_length=1, max_length=64)] = USUAL_ACCOUNT
    sessions: Annotated[int, Field(ge=1, le=10_000)] = 1  # to trade; the one under way counts
    grace_ms: Annotated[int, Field(ge=0, le=60_000)] = 2_000  # for a minute to become complete
    stale_seconds: Annotated[float, Field(ge=1, le=3_600)] = 90.0  # of silence, and entries halt
    external: Literal["adopt", "ignore", "halt"] = "halt"  # orders and holdings not of this run
    on_stop: Literal["keep", "flatten"] = "keep"
    on_error: Literal["freeze", "flatten"] = "freeze"
    notify: NotifyConfig = NotifyConfig()

    @property
    def goes_to_venue(self) -> bool:
        """Whether orders are sent, or simulated here."""
        return self.broker == "venue"

    @property
    def trades_real_money(self) -> bool:
        """Whether orders cost money."""
        return self.real_money is not None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        """A config is kept with its run and shown: it is no place for a password or a token."""
        if url is not None and ("@" in urlsplit(url).netloc or "?" in url):
            raise ValueError(
                "an address here carries no user, no password and no query, for a config is kept"
                " with its run; keys come from the environment."
            )
        return url

    @model_validator(mode="after")
    def _check_real_money(self) -> Self:
        faults: list[Fault] = []
        if self.trades_real_money and not self.goes_to_venue:
            what = 'on paper no order leaves; leave it out, or give "broker": "venue".'
            faults.append((("real_money",), what))
        if self.trades_real_money and self.url is not None:
            what = "real money is traded at the venue's own address alone; leave url out."
            faults.append((("url",), what))
        raise_if_any(faults)
        return self
