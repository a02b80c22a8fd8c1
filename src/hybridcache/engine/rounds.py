"""What a keeper does, round for round: carry out what is due, then listen.

A generator, as flows are, but of chores: whoever drives it sends a chore's answer
back. The keeper's thread drives it, and so does the simulator.
"""

from collections.abc import Callable, Generator
from typing import Final, TypeAlias

import attrs

from hybridcache.engine.channel_requests import Echo
from hybridcache.engine.keeper import Chore, Keeper, Subscribe
from hybridcache.engine.request import Fault, Trouble

# Once stopped, the keeper gives leases back for so long, seconds.
LAST_FOR: Final = 0.25


@attrs.frozen
class Listen:
    """Tell the keeper what arrives on the subscription within *wait* seconds."""

    wait: float


Rounds: TypeAlias = Generator[Chore | Listen, object, None]


def rounds(
    keeper: Keeper, now: Callable[[], float], stopped: Callable[[], bool]
) -> Rounds:
    """Do what is due and listen until *stopped*; in the end give all leases back.

    The answer to `Subscribe` is whether it was sent, to a request what `ask` says.
    """
    while not stopped():
        for chore in keeper.due(now()):
            answer = yield chore
            match chore:
                case Subscribe():
                    if answer is True:
                        keeper.opened(now())
                case Echo():
                    # Its answer is the message itself.
                    pass
                case _:
                    keeper.answered(chore, answer, now())
            if keeper.is_barred or stopped():
                # The others would fail as well. While it is closed they are tried:
                # what fails each time shall not keep them from their turn.
                break
        yield Listen(keeper.wait(now()))
    ends_at = now() + LAST_FOR
    for chore in keeper.last(now()):
        answer = yield chore
        keeper.answered(chore, answer, now())
        down = isinstance(answer, Fault) and answer.trouble is Trouble.DOWN
        if down or now() >= ends_at:
            # The rest end by themselves; close() is not to wait for each.
            return
