"""What a strategy is told of an order that makes no sense, and what it sees of its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.unit.scripted import Steps, run_script

from app.core.errors import AppError


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda s: s.order("AAA", 5, at="Close"), "at 'close'. Did you mean 'close'?"),
        (lambda s: s.order("AAA", 5, reduce_only="no"), "'no' is neither True nor False"),
        (lambda s: s.order("AAA", 5, after=3), "3 is not an order"),
        (lambda s: s.cancel(s.bracket("AAA", 5, stop=9)), "give its entry, target or stop"),
        (lambda s: s.order_target_weights(["AAA"]), "are no weights; give a dict such as"),
        (lambda s: s.order_target_weights({"AAA": "half"}), "'half' is not a quantity"),
        (lambda s: s.order_target_weights({"ABA": 1}), "Did you mean 'AAA'"),
    ],
)
def test_a_wrong_word_is_told_with_what_is_right(act: Callable[[Any], object], words: str) -> None:
    with pytest.raises(AppError) as caught:
        run_script({"09:31 AAA": act}, symbols=["AAA"])
    assert words in str(caught.value)


def test_prices_and_quantities_may_be_numpy_s_or_off_by_a_float() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: [
            (order.quantity, order.limit, order.stop, order.reduce_only)
            for order in (
                s.order("AAA", np.int64(5), limit=np.float64(9.1)),
                s.order("AAA", 5.0, limit=0.1 + 0.2, reduce_only=np.bool_(True)),
                s.order("AAA", -5, trail=np.float64(0.1) + 0.2, after=None),
            )
        ],
    }
    (found,), _ = run_script(steps, symbols=["AAA"])
    assert found == [(5, 9.1, None, False), (5, 0.3, None, True), (5, None, 10.2, False)]


def test_an_amendment_is_held_against_the_limits_as_a_whole() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: setattr(s, "resting", s.order("AAA", 60, limit=1)),
        "09:32 AAA": lambda s: s.amend(s.resting, quantity=150),
        "09:33 AAA": lambda s: (s.resting.reason, s.amend(s.resting, quantity="0.5"))[0],
        "09:34 AAA": lambda s: (s.resting.reason, s.amend(s.resting, quantity=100))[0],
        "09:35 AAA": lambda s: (s.resting.reason, s.resting.quantity),
    }
    answers, _ = run_script(steps, symbols=["AAA"], risk={"max_order_quantity": 100})
    assert answers[2:] == [
        "max_order_quantity: 150 is over 100",
        "not_whole_lots: 0.5 is no multiple of 1",
        ("", 100),  # nothing of it is left in what was allowed
    ]


def test_a_position_tells_whether_anything_is_held_and_cannot_be_changed() -> None:
    def change(s: Any) -> None:
        with pytest.raises(AttributeError):
            s.position("AAA").quantity = 5

    steps: Steps = {
        "09:31 AAA": lambda s: (bool(s.position("AAA")), s.order("AAA", -5), change(s))[0],
        "09:33 AAA": lambda s: (bool(s.position("AAA")), repr(s.position("AAA"))),
    }
    answers, _ = run_script(steps, symbols=["AAA"])
    assert answers == [False, (True, "<position: -5 at a cost of -55>")]
