"""Several servers together: a primary under sentinels, a cluster with a replica."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import redis
import redis.sentinel
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry

from hybridcache.testing.server import RedisServer, find_server
from tests.eventually import eventually

A = TypeVar("A")
SLOTS: Final = 16384
SERVICE: Final = "main"

_SENTINEL: Final = """\
port {port}
bind 127.0.0.1
dir {directory}
sentinel monitor {service} 127.0.0.1 {primary} 2
sentinel down-after-milliseconds {service} 500
sentinel failover-timeout {service} 4000
"""


@contextmanager
def sentinels_of(primary: RedisServer, count: int = 3) -> Iterator[list[int]]:
    """Run so many sentinels that watch *primary*; give their ports."""
    with ExitStack() as stack:
        ports = []
        for _ in range(count):
            directory = Path(tempfile.mkdtemp(prefix="hybridcache-sentinel-"))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            # A server that never ran holds a free port for us, as well as may be.
            with closing(RedisServer()) as unused:
                port = unused.port
            config = directory / "sentinel.conf"
            config.write_text(
                _SENTINEL.format(
                    port=port,
                    directory=directory,
                    service=SERVICE,
                    primary=primary.port,
                )
            )
            process = subprocess.Popen(
                [find_server(), config, "--sentinel"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            ports.append(port)
        eventually(lambda: all(_knows_all(port, count) for port in ports), within=20)
        yield ports


def client_of(sentinels: Sequence[int]) -> redis.Redis:
    """Make the client that a user would hand over."""
    addresses = [("127.0.0.1", port) for port in sentinels]
    sentinel = redis.sentinel.Sentinel(addresses)  # type: ignore[no-untyped-call]  # redis-py's
    client: redis.Redis = sentinel.master_for(SERVICE)  # type: ignore[no-untyped-call]  # redis-py's
    return client


def _knows_all(port: int, count: int) -> bool:
    seen: Any = asked(port, lambda client: client.sentinel_master(SERVICE))
    return (
        seen is not None
        and seen["num-other-sentinels"] == count - 1
        and seen["num-slaves"] > 0
    )


def asked(port: int, question: Callable[[redis.Redis], A]) -> A | None:
    """Ask whoever listens on *port*; None if it does not answer."""
    client = redis.Redis(
        port=port, socket_timeout=2, retry=Retry(NoBackoff(), 0), decode_responses=True
    )
    with client:
        try:
            return question(client)
        except redis.RedisError:
            return None


def command(client: redis.Redis, *words: str | int | bytes) -> Any:
    """Send a command that the client has no method for."""
    return client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's


def follow(replica: RedisServer, primary: RedisServer) -> None:
    """Make *replica* a replica of *primary*, and wait until it has all."""
    with replica.client() as client:
        client.replicaof("127.0.0.1", str(primary.port))
        eventually(
            lambda: client.info("replication")["master_link_status"] == "up", within=20
        )


class Cluster:
    """Primaries that share the slots, the first of them with a replica."""

    def __init__(self, primaries: Sequence[RedisServer], replica: RedisServer) -> None:
        self.primaries = primaries
        self.replica = replica

    def client(self) -> redis.RedisCluster:
        """Make the client that a user would hand over."""
        startup = [
            ClusterNode("127.0.0.1", one.port)  # type: ignore[no-untyped-call]  # redis-py's
            for one in (*self.primaries, self.replica)
        ]
        return redis.RedisCluster(startup_nodes=startup)

    @staticmethod
    def first_slot(number: int) -> int:
        """Return the first slot of a primary; those of the next end its own."""
        return number * SLOTS // 3

    def is_primary(self, server: RedisServer) -> bool:
        """Whether *server* calls itself a primary."""
        role = asked(server.port, lambda client: client.info("replication")["role"])
        return role == "master"

    def move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Move *slot* with its keys, as `redis-cli --cluster reshard` does."""
        with source.client() as give, target.client() as take:
            source_id, target_id = _id(give), _id(take)
            command(take, "CLUSTER SETSLOT", slot, "IMPORTING", source_id)
            command(give, "CLUSTER SETSLOT", slot, "MIGRATING", target_id)
            while keys := command(give, "CLUSTER GETKEYSINSLOT", slot, 100):
                command(
                    give,
                    "MIGRATE",
                    "127.0.0.1",
                    target.port,
                    "",
                    0,
                    5000,
                    "KEYS",
                    *keys,
                )
            for server in (take, give):
                command(server, "CLUSTER SETSLOT", slot, "NODE", target_id)


def _id(client: redis.Redis) -> str:
    answer = command(client, "CLUSTER MYID")
    return answer.decode() if isinstance(answer, bytes) else str(answer)


@contextmanager
def cluster_of_three() -> Iterator[Cluster]:
    """Run three primaries and a replica of the first."""
    arguments = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    with ExitStack() as stack:
        servers = [stack.enter_context(RedisServer(*arguments)) for _ in range(4)]
        *primaries, replica = servers
        cluster = Cluster(primaries, replica)
        for number, server in enumerate(primaries):
            slots = range(cluster.first_slot(number), cluster.first_slot(number + 1))
            with server.client() as client:
                command(client, "CLUSTER ADDSLOTS", *slots)
        with primaries[0].client() as client:
            for other in servers[1:]:
                command(client, "CLUSTER MEET", "127.0.0.1", other.port)
            first = _id(client)
        eventually(lambda: all(_is_formed(one) for one in servers), within=30)
        with replica.client() as client:
            command(client, "CLUSTER REPLICATE", first)
            eventually(
                lambda: client.info("replication").get("master_link_status") == "up",
                within=20,
            )
        # A failover needs primaries that know of the replica.
        eventually(lambda: all(_sees_replica(one) for one in servers), within=20)
        yield cluster


def _is_formed(server: RedisServer) -> bool:
    with server.client() as client:
        info = command(client, "CLUSTER INFO")
    return (info["cluster_state"], info["cluster_known_nodes"]) == ("ok", "4")


def _sees_replica(server: RedisServer) -> bool:
    with server.client() as client:
        said = command(client, "CLUSTER NODES")
    return sum("slave" in one["flags"] for one in said.values()) == 1
