"""A replay that ends a block with each session, as a live feed does: then runs have states."""

from collections.abc import Iterator

import numpy as np

from app.core.messages import Bars, Message
from app.managers.data_manager.replay_feed import ReplayFeed
from app.services.blocks import cut_block


class ClosingFeed(ReplayFeed):
    """No block goes on beyond a session's end, as with a live feed."""

    def messages(self) -> Iterator[Message]:
        for message in super().messages():
            if not isinstance(message, Bars):
                yield message
                continue
            block = message.block
            for span in block.spans[:-1]:
                end_ns = span.session.segments(self._wanted.extended_hours)[-1].end_ns
                if end_ns < block.through_ns:
                    rows_end = int(np.searchsorted(block.known_ns, end_ns, side="right"))
                    part, block = cut_block(block, rows_end, end_ns)
                    yield Bars(part)
            yield Bars(block)
