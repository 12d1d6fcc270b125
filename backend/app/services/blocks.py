"""Cutting blocks of bars: at an instant, or down to the rows that are wanted."""

import numpy as np
import numpy.typing as npt

from app.core.bars import Block, SessionSpan, fields_of


def first_instant(block: Block) -> tuple[int, int]:
    """The rows of the block's first instant, and its time; no rows when the block has none."""
    if not len(block):
        return 0, block.through_ns
    instant_ns = int(block.known_ns[0])
    return int(np.searchsorted(block.known_ns, instant_ns, side="right")), instant_ns


def cut_block(block: Block, rows_end: int, through_ns: int) -> tuple[Block, Block]:
    """The block up to `through_ns`, its first `rows_end` rows; and the rest. Nothing is copied.

    The cut lies between instants: rows before it are known by `through_ns`, later ones are not.
    A session is named in the first part from its earliest hour on, so that it never opens late;
    and in the second when that has rows of it, or some of its regular hours.
    """
    head = tuple(
        SessionSpan(span.session, min(span.first, rows_end), min(span.end, rows_end))
        for span in block.spans
        if span.session.hours(extended_hours=True)[0] <= through_ns
    )
    rest = tuple(
        SessionSpan(span.session, max(span.first - rows_end, 0), max(span.end - rows_end, 0))
        for span in block.spans
        if span.end > max(span.first, rows_end) or span.session.close_ns > through_ns
    )
    return (
        _part(block, slice(0, rows_end), head, through_ns),
        _part(block, slice(rows_end, None), rest, block.through_ns),
    )


def keep_rows(block: Block, keep: npt.NDArray[np.bool_]) -> Block:
    """The block without the rows that `keep` leaves out; its sessions stay named."""
    kept_before = np.concatenate(([0], np.cumsum(keep))).tolist()
    spans = tuple(
        SessionSpan(span.session, kept_before[span.first], kept_before[span.end])
        for span in block.spans
    )
    return _part(block, keep, spans, block.through_ns)


def _part(
    block: Block,
    rows: slice | npt.NDArray[np.bool_],
    spans: tuple[SessionSpan, ...],
    through_ns: int,
) -> Block:
    columns = {name: getattr(block, name)[rows] for name in fields_of(block)}
    for column in columns.values():
        column.flags.writeable = False
    return Block(**columns, spans=spans, through_ns=through_ns)
