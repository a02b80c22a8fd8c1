"""The two drivers: run a flow's commands in this thread, or in this task.

What a command raises is thrown into the flow, `BaseException` included, so that the
flow's `finally` blocks run when a task is cancelled.
"""

from typing import TypeVar

from hybridcache.engine.command import AsyncPorts, Flow, Ports

R = TypeVar("R")


def drive(flow: Flow[R], ports: Ports) -> R:
    """Run *flow* to its end in this thread."""
    try:
        command = next(flow)
        while True:
            try:
                answer = command.run(ports)
            except BaseException as error:  # noqa: BLE001 (thrown into the flow)
                command = flow.throw(error)
            else:
                command = flow.send(answer)
    except StopIteration as end:
        result: R = end.value
        return result


async def adrive(flow: Flow[R], ports: AsyncPorts) -> R:
    """Run *flow* to its end in this task."""
    try:
        command = next(flow)
        while True:
            try:
                answer = await command.arun(ports)
            except BaseException as error:  # noqa: BLE001 (thrown into the flow)
                command = flow.throw(error)
            else:
                command = flow.send(answer)
    except StopIteration as end:
        result: R = end.value
        return result
