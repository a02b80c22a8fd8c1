"""The command line's own rules: names, exit codes, secrets, and the verdict on Redis."""

import json

import attrs
import pytest

from hybridcache.cli import main
from hybridcache.cli.checkup import Answers
from hybridcache.cli.exits import Ended, Exit, without_secrets
from hybridcache.cli.fitness import Fitness, judged
from hybridcache.cli.place import key_at

INFO = {
    "redis_version": "7.2.4",
    "role": "master",
    "loading": "0",
    "maxmemory": "1000",
    "maxmemory_policy": "allkeys-lru",
}
WELL = Answers(
    info=INFO,
    info_error="",
    scripts_error="",
    reads_error="",
    writes_error="",
    pubsub_error="",
    marker=True,
    subscribers=2,
)


DOWN = "CLUSTERDOWN The cluster is down"
NO_ACCESS = "NOPERM No permissions to access a key"


def fitness(prefix: str | None = None, **changes: str) -> Fitness:
    """Judge a server whose INFO says something else."""
    answers = attrs.evolve(WELL, info=INFO | changes)
    return judged("h:1/0", 0.001, answers, prefix)


@pytest.mark.parametrize(
    ("name", "prefix", "expected"),
    [
        ("shop:{items:7}", None, ("shop:", "items:7")),
        ("{k}", None, ("", "k")),
        ("p:{a%7Bb%7D%25}", None, ("p:", "a{b}%")),
        ("items:7", "shop:", ("shop:", "items:7")),
        ("{k}", "shop:", ("shop:", "{k}")),
        ("k", "", ("", "k")),
    ],
)
def test_names(name: str, prefix: str | None, expected: tuple[str, str]) -> None:
    """A key is given as the whole name in Redis, or as it is with the prefix."""
    assert expected == key_at(name, prefix)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("items:7", None),
        ("shop:{}", None),
        ("shop:{}:marker", None),
        ("shop:{k}:lease", None),
        ("shop:{a%7b}", None),
        ("shop:}k{", None),
        ("", "shop:"),
        ("k" * 2000, "shop:"),
        ("k", "shop{"),
        ("\ud800", "shop:"),
    ],
)
def test_wrong_names(name: str, prefix: str | None) -> None:
    """What is no key and no entry's name is wrong usage."""
    with pytest.raises(Ended) as ended:
        key_at(name, prefix)

    assert Exit.USAGE == ended.value.code


@pytest.mark.parametrize(
    "text",
    [
        "redis://user:s3cr3t@host:1/0",
        "redis://:s3cr3t@x@host",
        "a URL, redis://:s3cr3t word@host, and more",
        "rediss://s3cr3t:\n@host",
        "redis://host/0?db=1&password=s3cr3t&username=me",
        "redis://host?username=s3cr3t: and more",
    ],
)
def test_secrets(text: str) -> None:
    """User and password of a URL are never shown, whatever stands in them."""
    shown = without_secrets(text)

    assert "s3cr3t" not in shown
    assert "host" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["explain"],
        ["unknown"],
        ["health", "http://u:s3cr3t@h"],
        ["health", "redis://u:s3cr/3t@h:1"],
        ["health", "redis://u:s3cr3t@h:port"],
        ["health", "redis://u:s3cr3t@h?sockettimeout=1"],
        ["health", "redis://u:s3cr3t@h/zero"],
        ["health", "redis://u:12/s3cr3t@h"],
        ["health", "redis://h?password=s3cr3t", "more"],
        ["health", "redis://u:s3cr3t@h", "--timeout", "-1"],
        ["health", "redis://u:s3cr3t@h", "--timeout", "nan"],
        ["health", "redis://u:s3cr3t@h", "--timeout", "soon"],
        ["health", "redis://u:s3cr3t@h", "redis://u:s3cr3t@h"],
        ["redis://u:s3cr3t@h"],
        ["explain", "redis://u:s3cr3t@h", "no braces"],
        ["health", "redis://u:s3cr3t@h", "--prefix", "{"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage ends with 2 and a line on stderr that has no password."""
    try:
        code = main(arguments)
    except SystemExit as end:
        code = int(str(end.code))
    out, err = capsys.readouterr()

    assert (2, "") == (code, out)
    assert err
    assert "s3cr" not in err
    assert "3t@" not in err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://u:s3cr3t@h", "Redis URL must specify one of the following schemes"),
        ("redis://u:s3cr3t@h:port", "the Redis URL's port is no number"),
        ("redis://u:s3cr3t@h/zero", "the Redis URL names database 'zero'"),
        ("redis://u:12/s3cr3t@h", "the Redis URL has an '@' after its first '/'"),
        ("redis://u:s3cr3t@h?db=x", "Invalid value for 'db' in connection URL"),
        (
            "redis://u:s3cr3t@h?sockettimeout=1",
            "unknown options ['sockettimeout']; known are client_name,",
        ),
        ("redis://u:s3cr3t@h?sockettimeout=1", "the timeout is set with --timeout"),
    ],
)
def test_a_wrong_url(url: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong with a URL is named, in the words of a command line."""
    code = main(["health", url])
    err = capsys.readouterr().err

    assert Exit.USAGE == code
    assert told in err
    assert "s3cr3t" not in err


def test_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Both commands list the exit codes in their help."""
    for command in ("explain", "health"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        out = capsys.readouterr().out

        assert [str(code.value) for code in Exit] == [
            line.split()[0] for line in out.splitlines() if line[:3].strip().isdigit()
        ]


@pytest.mark.parametrize("version", ["6.2.0", "6.2.14", "7.0.15", "10.0", "", "odd"])
def test_fit(version: str) -> None:
    """A primary of 6.2 or newer is fit; a version that is no number says nothing."""
    one = fitness(redis_version=version)

    assert (True, (), ()) == (one.healthy, one.reasons, one.hints)
    assert "healthy" in str(one)
    assert json.loads(json.dumps(attrs.asdict(one)))["healthy"] is True


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (fitness(redis_version="6.0.16"), "Redis 6.0.16 is older than 6.2"),
        (fitness(redis_version="5.0"), "Redis 5.0 is older than 6.2"),
        (fitness(role="slave"), "it is a replica: it refuses writes"),
        (fitness(loading="1"), "it is loading its data"),
        (
            judged("h", 0, attrs.evolve(WELL, scripts_error="NOPERM eval"), "p:"),
            "scripts do not run: NOPERM eval",
        ),
        (
            judged("h", 0, attrs.evolve(WELL, reads_error="NOPERM get"), "p:"),
            "reads are refused: NOPERM get",
        ),
        (
            judged("h", 0, attrs.evolve(WELL, writes_error="NOREPLICAS few"), None),
            "writes are refused: NOREPLICAS few",
        ),
        (
            fitness(used_memory="1000", maxmemory_policy="noeviction"),
            (
                "it is full and noeviction: writes are refused (1000 of 1000 bytes are"
                " used)"
            ),
        ),
        (
            judged(
                "h",
                0,
                attrs.evolve(WELL, reads_error=DOWN, writes_error=DOWN),
                "p:",
            ),
            f"reads are refused: {DOWN}",
        ),
        (
            judged("h", 0, attrs.evolve(WELL, pubsub_error="NOPERM channel"), "p:"),
            "messages are not allowed: NOPERM channel",
        ),
    ],
)
def test_unfit(one: Fitness, reason: str) -> None:
    """What a cache cannot do with a server makes it unfit, each with its reason."""
    assert (False, (reason,)) == (one.healthy, one.reasons)


def test_a_name_of_another_node_is_no_refusal() -> None:
    """In a cluster the name that is tried may be elsewhere: then nothing is known."""
    moved = "MOVED 1 10.0.0.1:6379"
    answers = attrs.evolve(WELL, reads_error=moved, writes_error=moved, marker=None)
    one = judged("h", 0, answers, "p:")

    assert (True, None, None) == (one.healthy, one.reads, one.writes)


def test_a_right_to_one_prefix_is_no_fault_of_the_server() -> None:
    """Where no prefix was named, a name that is not the user's says only to name one."""
    answers = attrs.evolve(WELL, reads_error=NO_ACCESS, writes_error=NO_ACCESS)
    unnamed, named = (judged("h", 0, answers, prefix) for prefix in (None, "p:"))

    assert (True, ("rights may be for one prefix alone: say --prefix",)) == (
        unnamed.healthy,
        unnamed.hints,
    )
    assert (False, (f"reads are refused: {NO_ACCESS}",)) == (
        named.healthy,
        named.reasons,
    )


@pytest.mark.parametrize(
    ("one", "hint"),
    [
        (fitness(maxmemory="0"), "maxmemory is not set"),
        (fitness(maxmemory_policy="noeviction"), "noeviction: once maxmemory is full"),
        (
            judged("h", 0, attrs.evolve(WELL, info={}, info_error="NOPERM"), None),
            "version, role and memory are not known, for INFO is not allowed: NOPERM",
        ),
        (judged("h", 0, attrs.evolve(WELL, marker=False), "p:"), "no marker"),
        (judged("h", 0, attrs.evolve(WELL, subscribers=0), "p:"), "no cache with this"),
    ],
)
def test_hints(one: Fitness, hint: str) -> None:
    """What an operator might want to know is told, and is no reason to be unfit."""
    assert one.healthy
    assert [hint] == [told[: len(hint)] for told in one.hints]
    assert 80 >= max(map(len, str(one).splitlines()))
