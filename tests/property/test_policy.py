"""A policy is checked when it is made, and never again."""

import math
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcache.core.policy import (
    LONGEST,
    Policy,
    PolicyChanges,
    RunIn,
    Suppress,
    seconds,
)

DURATIONS = ["wait_for", "abandon_after", "stale_wait", "max_stale", "retry_after"]
DURATIONS += ["error_ttl", "memory_ttl", "fresh_for", "ttl"]
POSITIVE = ["ttl", "wait_for", "abandon_after", "memory_ttl"]
OPTIONAL = ["abandon_after", "refresh_ahead", "max_stale", "memory_ttl"]
SHARES = ["jitter", "refresh_ahead"]

lengths = st.floats(0.001, LONGEST)
bad_numbers = st.one_of(
    st.just(math.nan),
    st.just(math.inf),
    st.just(-math.inf),
    st.floats(max_value=0.0, exclude_max=True),
    st.floats(min_value=LONGEST, exclude_min=True),
    st.integers(max_value=-1),
    st.integers(min_value=2**31 + 1),
    st.just(10**400),
)
no_numbers = st.one_of(
    st.text(), st.binary(), st.booleans(), st.just([1.0]), st.just(1j)
)


def made(**fields: object) -> Policy:
    """Make a policy as one who checks no types would."""
    given_fields: dict[str, object] = {"fresh_for": 1.0, "ttl": 2.0, **fields}
    return Policy(**given_fields)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("name", DURATIONS)
@given(value=bad_numbers)
def test_bad_duration(name: str, value: float) -> None:
    """A NaN, infinite, negative or endless duration is refused by name."""
    with pytest.raises(ValueError, match=name):
        made(**{name: value})


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, 0.0, -0.0, timedelta(0)])
def test_zero(name: str, value: object) -> None:
    """What must be positive cannot be 0."""
    with pytest.raises(ValueError, match=name):
        made(**{name: value})


@pytest.mark.parametrize("name", [*DURATIONS, *SHARES])
@given(value=no_numbers)
def test_wrong_type(name: str, value: object) -> None:
    """What is no number is a TypeError with the value in its text."""
    with pytest.raises(TypeError) as caught:
        made(**{name: value})

    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("name", sorted({*DURATIONS, *SHARES} - set(OPTIONAL)))
def test_none(name: str) -> None:
    """None is refused where it has no meaning."""
    with pytest.raises(TypeError, match="None"):
        made(**{name: None})


@pytest.mark.parametrize("name", OPTIONAL)
def test_optional(name: str) -> None:
    """None is the default of what is optional."""
    assert made() == made(**{name: None})


@pytest.mark.parametrize("name", SHARES)
@given(value=st.one_of(bad_numbers, st.floats(min_value=1.0)))
def test_bad_share(name: str, value: float) -> None:
    """A share is from 0 to less than 1."""
    with pytest.raises(ValueError, match=name):
        made(**{name: value})


@given(fresh_for=lengths, ttl=lengths)
def test_fresh_for_within_ttl(fresh_for: float, ttl: float) -> None:
    """A value cannot be fresh for longer than it lives."""
    if fresh_for <= ttl:
        assert ttl == Policy(fresh_for=fresh_for, ttl=ttl).ttl
        return

    with pytest.raises(ValueError, match="must not exceed ttl"):
        Policy(fresh_for=fresh_for, ttl=ttl)


@given(wait_for=lengths, abandon_after=lengths)
def test_abandon_after_wait_for(wait_for: float, abandon_after: float) -> None:
    """A load owns its key at least as long as its callers wait."""
    if abandon_after >= wait_for:
        policy = made(wait_for=wait_for, abandon_after=abandon_after)

        assert abandon_after == policy.owned_for
        return

    with pytest.raises(ValueError, match="abandon_after"):
        made(wait_for=wait_for, abandon_after=abandon_after)


@given(wait_for=lengths)
def test_default_abandonment(wait_for: float) -> None:
    """A load owns its key for three waits where nothing else is said."""
    assert 3 * wait_for == made(wait_for=wait_for).owned_for


@given(st.timedeltas(timedelta(milliseconds=1), timedelta(days=300)))
def test_timedelta(duration: timedelta) -> None:
    """A timedelta means its seconds."""
    policy = Policy(fresh_for=duration, ttl=duration)

    assert duration.total_seconds() == policy.fresh_for == policy.ttl
    assert type(policy.fresh_for) is float


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_seconds_total(value: float) -> None:
    """Every real number has its seconds, an absurd one infinitely many."""
    assert isinstance(seconds(value), float)


@pytest.mark.parametrize("field", ["suppress", "run_in"])
@pytest.mark.parametrize("value", ["", "Cluster", 3, None, b"cluster", [], math.nan])
def test_unknown_word(field: str, value: object) -> None:
    """An unknown word is refused, and the known ones are named."""
    with pytest.raises(ValueError, match=f"{field} must be one of '"):
        made(**{field: value})


def test_known_words() -> None:
    """A word and its enum member make equal policies."""
    assert made(suppress=Suppress.NONE) == made(suppress="none")
    assert made(run_in=RunIn.CALLER) == made(run_in="caller")


@pytest.mark.parametrize("value", [0, 1, "yes", None])
def test_share(value: object) -> None:
    """Whether objects are shared is a bool and nothing like it."""
    with pytest.raises(TypeError, match="share"):
        made(share=value)


@given(ttl=lengths, fresh_for=st.one_of(lengths, bad_numbers))
def test_evolve(ttl: float, fresh_for: float) -> None:
    """A derived policy is checked like a new one."""
    policy = Policy(fresh_for=0, ttl=ttl)

    if 0.0 <= fresh_for <= ttl:
        derived = policy.evolve(fresh_for=fresh_for)

        assert Policy(fresh_for=fresh_for, ttl=ttl) == derived
        return
    with pytest.raises(ValueError, match="fresh_for"):
        policy.evolve(fresh_for=fresh_for)


def test_evolve_keeps_the_rest() -> None:
    """What is not changed stays, and the policy derived from stays as it was."""
    policy = Policy(fresh_for=1, ttl=2, jitter=0.5, suppress="none")

    assert policy == policy.evolve(ttl=9).evolve(ttl=2)
    assert 2.0 == policy.ttl


def test_positional() -> None:
    """A policy's numbers are named, since they look alike."""
    with pytest.raises(TypeError):
        Policy(1, 2)  # type: ignore[call-arg]  # the point


def test_frozen() -> None:
    """A policy cannot be changed behind its checks."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made().ttl = -1.0  # type: ignore[misc]  # the point


def test_changes_name_every_field() -> None:
    """What evolve takes are the fields of a policy, all of them."""
    fields = {field.name for field in attrs.fields(Policy)}

    assert fields == set(PolicyChanges.__annotations__)
