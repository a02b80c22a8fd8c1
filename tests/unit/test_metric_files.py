"""Slots in files of prometheus-client's own format."""

import logging
import threading
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from hybridcache.adapters.prometheus.files import FIRST_BYTES, Files
from hybridcache.engine.figures import Figures
from hybridcache.engine.metrics import REFRESHES, WAIT_SECONDS
from hybridcache.engine.rows import Count
from hybridcache.engine.tally import Tally


def _figures(directory: Path) -> tuple[Figures, Files]:
    files = Files(str(directory), lambda: None)
    return Figures(threading.Lock(), files.place), files


def _read(directory: Path) -> Mapping[str, float]:
    """Read all files as prometheus-client does: values that are not zero, by key."""
    read = {}
    for path in directory.glob("*.db"):
        entries = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        for key, value, instant, _ in entries:
            assert key not in read
            assert 0.0 == instant
            read[key] = value
    return {key: value for key, value in read.items() if value}


def test_a_row_has_a_file_from_its_first_count(tmp_path: Path) -> None:
    """Who counts nothing leaves no file behind; what is counted is there at once."""
    figures, _ = _figures(tmp_path)
    tally = figures.tally("c", "f")
    assert [] == list(tmp_path.iterdir())
    assert [0.0] * len(tally.samples) == list(tally.slots)

    tally.slots[0] += 1
    tally.slots[0] += 1
    figures.measure(WAIT_SECONDS, ("c", "process"), 0.25)

    kinds = sorted(path.name.partition("_")[0] for path in tmp_path.iterdir())
    assert ["counter", "histogram"] == kinds
    counted = {
        "hybridcache_lookups_total": 2.0,
        "hybridcache_wait_seconds_bucket": 1.0,
        "hybridcache_wait_seconds_sum": 0.25,
    }
    read = _read(tmp_path)
    assert counted == {key.split('"')[3]: value for key, value in read.items()}
    assert 1 == sum('"le": "0.25"' in key for key in read)


def test_the_first_count_of_a_process_is_told_of(tmp_path: Path) -> None:
    """The first count in a row is told of, a memory hit too; in a fork's child again."""
    told: list[int] = []
    files = Files(str(tmp_path), lambda: told.append(len(list(tmp_path.iterdir()))))
    figures = Figures(threading.Lock(), files.place)
    tally = figures.tally("c", "f")
    for _ in range(3):
        tally.slots[0] += 1
    assert [1] == told

    files.forked()
    figures.forked(threading.Lock())
    tally.slots[0] += 1
    assert [1, 2] == told


def test_labels_of_any_length_and_script_are_kept(tmp_path: Path) -> None:
    """Every slot is read back under its own labels, however long they are."""
    figures, _ = _figures(tmp_path)
    names = ["", "a", "é" * 9, 'q"\\\n', "long" * 50]
    for number, name in enumerate(names, 1):
        for _ in range(number):
            figures.count(REFRESHES, (name, "loaded"))

    assert [1, 2, 3, 4, 5] == sorted(_read(tmp_path).values())


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    """There is room for any number of rows, in files that double; the counts stay."""
    figures, _ = _figures(tmp_path)
    made = 0
    for number in count():
        figures.tally("c", f"f{number}").slots[0] += 1
        made += 1
        if len(list(tmp_path.iterdir())) == 3:
            break

    assert [1.0] * made == list(_read(tmp_path).values())
    sizes = sorted(path.stat().st_size for path in tmp_path.iterdir())
    assert [FIRST_BYTES, 2 * FIRST_BYTES, 4 * FIRST_BYTES] == sizes


def test_a_row_that_is_larger_than_a_file_has_one(tmp_path: Path) -> None:
    """A function's name of any length gets a file of its size."""
    figures, _ = _figures(tmp_path)
    figures.tally("c", "f" * FIRST_BYTES).slots[0] += 1

    assert [1.0] == list(_read(tmp_path).values())


def test_first_counts_of_many_threads_are_exact(tmp_path: Path) -> None:
    """No count is lost while a row moves to its file."""
    figures, _ = _figures(tmp_path)
    for number in range(50):
        row = figures.tally("c", f"f{number}")
        start = threading.Barrier(4)

        def work(row: Tally = row, start: threading.Barrier = start) -> None:
            start.wait(10)
            for _ in range(50):
                row.slots[0] += 1

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [200.0] * 50 == list(_read(tmp_path).values())


def test_a_count_that_saw_no_file_yet_is_added(tmp_path: Path) -> None:
    """Slots that were taken before the row moved still lead to its file."""
    figures, _ = _figures(tmp_path)
    row = figures.tally("c", "f")
    before = row.slots
    row.slots[0] += 1
    before[0] += 1
    before[-1] += 1

    assert [1.0, 2.0] == sorted(_read(tmp_path).values())


def test_a_child_begins_at_zero_in_files_of_its_own(tmp_path: Path) -> None:
    """After a fork nothing is added to what the parent counted."""
    figures, files = _figures(tmp_path)
    row = figures.tally("c", "f")
    row.slots[0] += 1
    files.forked()
    figures.forked(threading.Lock())
    assert 0.0 == sum(row.slots)
    assert 1 == len(list(tmp_path.iterdir()))
    row.slots[0] += 1

    assert 1.0 == sum(row.slots)
    assert 2 == len(list(tmp_path.iterdir()))


def test_a_directory_that_is_gone_breaks_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no file can be made, counting goes on in the process, and says so once."""
    figures, _ = _figures(tmp_path / "gone")
    with caplog.at_level(logging.ERROR, "hybridcache.adapters"):
        for number in range(3):
            figures.count(REFRESHES, (f"c{number}", "loaded"))
            figures.count(REFRESHES, (f"c{number}", "loaded"))

    counted = [row for row in figures.rows() if isinstance(row, Count)]
    assert [2.0] * 3 == [row.slots[0] for row in counted]
    assert ["hybridcache.adapters"] == [record.name for record in caplog.records]
