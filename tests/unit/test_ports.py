"""The two colours of the ports promise the same."""

import inspect

import pytest

from hybridcache.adapters.loops import LoopPorts
from hybridcache.adapters.threads import ThreadPorts
from hybridcache.engine.command import AsyncPorts, Ports
from tests.fakes import FakeAsyncPorts, FakePorts

NAMES = sorted(name for name in vars(Ports) if not name.startswith("_"))


def parameters(ports: type, name: str) -> list[tuple[str, object]]:
    """Name a method's parameters and their kinds."""
    signature = inspect.signature(getattr(ports, name))
    return [(one.name, one.kind) for one in signature.parameters.values()]


def test_names() -> None:
    """Both colours have the same methods."""
    names = sorted(name for name in vars(AsyncPorts) if not name.startswith("_"))

    assert NAMES == names
    assert ["ask", "call", "spawn", "wait"] == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "ports", [AsyncPorts, ThreadPorts, LoopPorts, FakePorts, FakeAsyncPorts]
)
def test_parameters(ports: type, name: str) -> None:
    """Every carrier of the ports takes the same parameters."""
    assert parameters(Ports, name) == parameters(ports, name)


@pytest.mark.parametrize("name", NAMES)
def test_colours(name: str) -> None:
    """All of one colour is awaited and nothing of the other."""
    asynchronous = [AsyncPorts, LoopPorts, FakeAsyncPorts]

    assert all(inspect.iscoroutinefunction(getattr(one, name)) for one in asynchronous)
    assert not inspect.iscoroutinefunction(getattr(Ports, name))
