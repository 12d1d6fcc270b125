"""One client of the control socket, stepped through without a socket."""

import socket
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import DataError, StateError
from app.managers.system_manager.control.client import ControlClient
from app.managers.system_manager.control.messages import (
    LONGEST_ASK_BYTES,
    LONGEST_TOLD_BYTES,
    PROTOCOL,
    Answer,
    Ask,
    Frames,
    Goodbye,
    Hello,
    Told,
    Welcome,
    framed,
    told_of,
)
from app.managers.system_manager.control.peer import (
    COMMANDS,
    GREETING_NS,
    MOST_ASKED,
    MOST_WAITING_BYTES,
    PATIENT,
    STALLED_NS,
    Peer,
)

VIEW = framed(Answer(0, "a view, for all the peer knows"))


class Steered:
    """A session that notes what it is told, and refuses a step."""

    def __init__(self) -> None:
        self.obeyed: list[tuple[str, str]] = []

    def welcome(self) -> Welcome:
        return Welcome(PROTOCOL, "1.2.3", "run-1", 77)

    def obey(self, command: str, value: str) -> str:
        if command == "step":
            raise StateError("Only a paused replay can be stepped; pause it first.")
        self.obeyed.append((command, value))
        return f"{command} done"


def told(peer: Peer) -> list[Told]:
    """What waits for the client, read."""
    found = [told_of(body) for body in Frames(LONGEST_TOLD_BYTES).add(bytes(peer.outgoing))]
    peer.sent(len(peer.outgoing), 0)
    return found


def greeted() -> tuple[Steered, Peer]:
    session = Steered()
    peer = Peer(session, 0)
    peer.receive(framed(Hello(PROTOCOL)), 0)
    assert told(peer) == [Welcome(PROTOCOL, "1.2.3", "run-1", 77)]
    return session, peer


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"step", *PATIENT}))
def test_each_command_is_carried_out_once_and_answered_under_its_id(command: str) -> None:
    session, peer = greeted()
    peer.receive(framed(Ask(41, command, "x")), 0)
    assert session.obeyed == [(command, "x")]
    assert told(peer) == [Answer(41, f"{command} done")]


def test_what_is_refused_is_answered_with_its_reason_and_exit_code() -> None:
    _, peer = greeted()
    peer.receive(framed(Ask(1, "step")) + framed(Ask(2, "paus")), 0)
    refused, unknown = told(peer)
    assert refused == Answer(1, "Only a paused replay can be stepped; pause it first.", 1)
    assert unknown == Answer(2, "A session knows no command 'paus'. Did you mean 'pause'?", 2)
    assert not peer.closing


def test_a_command_that_fails_costs_its_asker_an_answer_and_the_others_nothing() -> None:
    session, peer = greeted()
    session.obey = lambda command, value: str(int(value))  # type: ignore[method-assign]
    for number, value in enumerate(("9" * 5_000, "7")):  # Python reads no number so long
        peer.receive(framed(Ask(number, "speed", value)), 0)
    failed, done = told(peer)
    assert failed == Answer(0, "The command 'speed' failed; the session's log says why.", 1)
    assert done == Answer(1, "7")
    assert not peer.closing


def test_another_version_is_told_what_to_do_and_nothing_it_asks_is_done() -> None:
    session = Steered()
    peer = Peer(session, 0)
    peer.receive(framed(Hello(PROTOCOL + 1, "9.9")) + framed(Ask(1, "kill")), 0)
    (goodbye,) = told(peer)
    assert isinstance(goodbye, Goodbye)
    for words in (f"version {PROTOCOL}", f"version {PROTOCOL + 1}", "1.2.3", "9.9", "77"):
        assert words in goodbye.reason
    assert peer.closing
    assert session.obeyed == []


def test_who_does_not_greet_first_steers_nothing() -> None:
    session = Steered()
    peer = Peer(session, 0)
    peer.receive(framed(Ask(1, "stop")), 0)
    assert session.obeyed == []
    assert peer.closing


def test_a_hello_with_words_of_a_later_program_is_understood() -> None:
    peer = Peer(Steered(), 0)
    body = msgspec.json.encode({"type": "hello", "protocol": PROTOCOL, "colour": True})
    peer.receive(len(body).to_bytes(4, "big") + body, 0)
    assert isinstance(told(peer)[0], Welcome)


def test_a_snapshot_is_answered_by_a_view_whose_making_began_after_it_was_asked() -> None:
    _, peer = greeted()
    peer.receive(framed(Ask(5, "snapshot")), 100)
    assert peer.watches
    peer.show(VIEW, begun_ns=99, now_ns=200)
    assert not peer.outgoing
    peer.show(VIEW, begun_ns=100, now_ns=201)
    assert bytes(peer.outgoing) == VIEW + framed(Answer(5, ""))
    assert not peer.watches


def test_a_subscriber_that_is_behind_misses_views_and_gets_the_next_whole() -> None:
    _, peer = greeted()
    peer.receive(framed(Ask(1, "subscribe")), 0)
    told(peer)
    for moment in range(5):
        peer.show(VIEW, moment, moment)
    assert bytes(peer.outgoing) == VIEW
    peer.sent(3, 5)
    peer.show(VIEW, 6, 6)
    assert bytes(peer.outgoing) == VIEW[3:]
    peer.sent(len(peer.outgoing), 7)
    peer.show(VIEW, 8, 8)
    assert bytes(peer.outgoing) == VIEW
    peer.sent(len(VIEW), 8)
    peer.receive(framed(Ask(2, "unsubscribe")), 9)
    told(peer)
    peer.show(VIEW, 10, 10)
    assert not peer.outgoing


def test_a_client_that_reads_nothing_for_long_is_lost_and_one_that_reads_is_not() -> None:
    _, peer = greeted()
    peer.receive(framed(Ask(1, "subscribe")), 0)
    told(peer)
    late_ns = 100 * STALLED_NS
    peer.show(VIEW, late_ns, late_ns)  # it has been silent for long, with nothing to read
    assert not peer.is_lost(late_ns + STALLED_NS)
    assert peer.is_lost(late_ns + STALLED_NS + 1)
    peer.sent(1, late_ns + STALLED_NS)
    assert not peer.is_lost(late_ns + STALLED_NS + 1)


def test_a_client_that_asks_and_never_reads_is_lost_at_a_bound() -> None:
    _, peer = greeted()
    asks = b"".join(framed(Ask(number, "ping")) for number in range(1_000))
    for _ in range(1_000):
        peer.receive(asks, 0)
        if peer.is_lost(0):
            break
    assert MOST_WAITING_BYTES < len(peer.outgoing) < 2 * MOST_WAITING_BYTES


def test_a_client_that_never_greets_is_lost() -> None:
    peer = Peer(Steered(), 0)
    assert not peer.is_lost(GREETING_NS)
    assert peer.is_lost(GREETING_NS + 1)
    _, other = greeted()
    assert not other.is_lost(GREETING_NS + 1)


def test_snapshots_that_wait_are_bounded() -> None:
    _, peer = greeted()
    for number in range(MOST_ASKED + 1):
        peer.receive(framed(Ask(number, "snapshot")), 0)
    (refused,) = told(peer)
    assert isinstance(refused, Answer)
    assert (refused.id, refused.exit_code) == (MOST_ASKED, 2)


@given(st.lists(st.binary(max_size=200)), st.booleans())
def test_no_bytes_whatever_raise_or_are_obeyed(chunks: list[bytes], after_hello: bool) -> None:
    session = Steered()
    peer = Peer(session, 0)
    if after_hello:
        peer.receive(framed(Hello(PROTOCOL)), 0)
    for chunk in chunks:
        peer.receive(chunk, 0)
    assert session.obeyed == []
    assert len(peer.outgoing) < MOST_WAITING_BYTES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(["type", "id", "command", "value"]), JSON)))
def test_no_well_framed_json_raises(messages: list[dict[str, Any]]) -> None:
    _, peer = greeted()
    for message in messages:
        body = msgspec.json.encode({"type": "ask", **message})
        peer.receive(len(body).to_bytes(4, "big") + body, 0)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[" * 9_000, b'{"type":"ask","id":1e999}', b"", b'"\xed\xa0\x80"']
)
def test_a_body_that_cannot_be_read_ends_the_conversation_with_a_word(body: bytes) -> None:
    _, peer = greeted()
    peer.receive(len(body).to_bytes(4, "big") + body, 0)
    (goodbye,) = told(peer)
    assert isinstance(goodbye, Goodbye)
    assert "cannot be read" in goodbye.reason
    assert peer.closing


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    bodies: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    frames, found, place = Frames(50), [], 0
    while place < len(stream):
        width = cuts[len(found) % len(cuts)]
        found += list(frames.add(stream[place : place + width]))
        place += width
    assert found == bodies


def test_a_frame_that_is_too_long_is_refused_before_it_is_held() -> None:
    length = LONGEST_ASK_BYTES + 1
    with pytest.raises(DataError, match=f"A message of {length} bytes is longer than the"):
        list(Frames(LONGEST_ASK_BYTES).add(length.to_bytes(4, "big")))


@pytest.mark.parametrize("reason", ["64 clients are connected already; end one first.", ""])
def test_why_a_session_hung_up_before_it_was_greeted_is_told(reason: str) -> None:
    ours, theirs = socket.socketpair()
    if reason:
        theirs.sendall(framed(Goodbye(reason)))
    theirs.close()
    with pytest.raises(StateError, match=reason or "The session has ended"):
        ControlClient(ours)


@pytest.mark.parametrize("command", PATIENT)
def test_what_may_have_to_wait_for_the_run_is_left_to_the_server_and_bounded(command: str) -> None:
    session, peer = greeted()
    asks = [Ask(number, command, "{}") for number in range(MOST_ASKED + 1)]
    peer.receive(b"".join(map(framed, asks)), 0)
    assert peer.wanted == asks[:MOST_ASKED]
    assert session.obeyed == []
    assert [(one.id, one.exit_code) for one in told(peer) if isinstance(one, Answer)] == [
        (MOST_ASKED, 2)
    ]
    peer.wanted.clear()
    peer.answer(framed(Answer(0, "told")), 1)
    assert told(peer) == [Answer(0, "told")]
    peer.receive(framed(Ask(99, command)), 2)
    assert peer.wanted == [Ask(99, command)]
