"""Cutting blocks: no row is lost or moved, sessions stay with their rows, time moves on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from stream_blocks import all_rows, block_of, blocks, columns_of, minute, session

from app.core.bars import Block
from app.services.blocks import cut_block, first_instant, keep_rows


def instants_of(block: Block) -> list[Block]:
    """The block cut at each of its instants, then what is left of its time."""
    parts = []
    while len(block):
        part, block = cut_block(block, *first_instant(block))
        parts.append(part)
    return [*parts, block]


@given(blocks())
def test_the_parts_of_a_block_are_the_block(block: Block) -> None:
    parts = instants_of(block)
    assert columns_of(parts) == columns_of([block])
    assert parts[-1].through_ns == block.through_ns


@given(blocks())
def test_each_part_is_one_instant_and_time_never_goes_back(block: Block) -> None:
    parts = instants_of(block)
    for part in parts[:-1]:
        assert set(part.known_ns.tolist()) == {part.through_ns}
    through = [part.through_ns for part in parts]
    assert through == sorted(through)


@given(blocks())
def test_the_sessions_of_a_part_cover_its_rows_exactly(block: Block) -> None:
    for part in instants_of(block):
        rows = [row for span in part.spans for row in range(span.first, span.end)]
        assert rows == list(range(len(part)))
        for span in part.spans:
            start_ns = part.start_ns[span.first : span.end]
            assert (start_ns >= span.session.open_ns).all()
            assert (start_ns < span.session.close_ns).all()


@given(blocks())
def test_a_session_is_named_wherever_time_touches_it(block: Block) -> None:
    after_ns = -1
    for part in instants_of(block):
        named = {span.session.date for span in part.spans}
        for span in block.spans:
            of = span.session
            if of.open_ns <= part.through_ns and of.close_ns > after_ns:
                assert of.date in named
        after_ns = part.through_ns


def test_a_session_without_a_row_is_named_in_the_part_that_passes_it() -> None:
    first, empty, last = session(0), session(1), session(2)
    block = block_of(
        [(first, [(minute(first, 9), 0)]), (empty, []), (last, [(minute(last, 0), 0)])]
    )
    names = [[span.session.date.day for span in part.spans] for part in instants_of(block)]
    assert names == [[1], [2, 3], [3]]


def test_rows_after_the_close_keep_their_session() -> None:
    of = session(0, minutes=2)
    block = block_of([(of, [(minute(of, 0), 0), (minute(of, 3), 0)])], through_ns=minute(of, 9))
    assert [len(part.spans) for part in instants_of(block)] == [1, 1, 0]


def test_nothing_is_copied_and_nothing_can_be_written() -> None:
    of = session()
    block = block_of([(of, all_rows(of))])
    head, rest = cut_block(block, 4, minute(of, 4))
    assert all(np.shares_memory(part.close, block.close) for part in (head, rest))
    assert not head.close.flags.writeable
    assert not rest.start_ns.flags.writeable


@given(blocks(), st.randoms(use_true_random=False))
def test_keeping_some_rows_keeps_them_in_their_sessions(block: Block, random: object) -> None:
    keep = np.array([random.random() < 0.6 for _ in range(len(block))], np.bool_)  # type: ignore[attr-defined]
    kept = keep_rows(block, keep)
    assert kept.close.tolist() == block.close[keep].tolist()
    assert [span.session for span in kept.spans] == [span.session for span in block.spans]
    for before, after in zip(block.spans, kept.spans, strict=True):
        wanted = block.start_ns[before.first : before.end][keep[before.first : before.end]]
        assert kept.start_ns[after.first : after.end].tolist() == wanted.tolist()
