"""Memory that pictures share: large ones wait, small ones do not, and the largest are alone."""

import threading
import time

from isthmus.batch.room import BYTES_PER_PIXEL, Room


def most_at_once(room: Room, sizes: list[tuple[int, int]]) -> int:
    """The pixels that were inside at once, at most, with a thread for each picture."""
    lock, inside, most = threading.Lock(), 0, 0

    def work(width: int, height: int) -> None:
        nonlocal inside, most
        with room.taken({"width": width, "height": height}):
            with lock:
                inside += width * height
                most = max(most, inside)
            time.sleep(0.05)
            with lock:
                inside -= width * height

    threads = [threading.Thread(target=work, args=size) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    return most


def test_large_pictures_do_not_meet() -> None:
    room = Room(1000 * BYTES_PER_PIXEL)
    assert most_at_once(room, [(30, 30)] * 4) == 900
    assert most_at_once(room, [(10, 10)] * 6) == 600


def test_one_that_is_larger_than_the_room_is_alone() -> None:
    assert most_at_once(Room(1000 * BYTES_PER_PIXEL), [(10, 10), (200, 200), (10, 10)]) == 40_000


def test_without_a_size_there_is_room_for_all() -> None:
    assert most_at_once(Room(), [(200, 200)] * 3) == 120_000


def test_room_that_is_made_lets_those_in_who_wait() -> None:
    room, inside = Room(1), threading.Event()

    def second() -> None:
        with room.taken({"width": 10, "height": 10}):
            inside.set()

    with room.taken({"width": 10, "height": 10}):
        thread = threading.Thread(target=second)
        thread.start()
        assert not inside.wait(0.1)
        room.size = None
        assert inside.wait(5)
    thread.join()


def test_room_is_free_again_after_an_error() -> None:
    room = Room(1)
    try:
        with room.taken({"width": 10, "height": 10}):
            raise ValueError
    except ValueError:
        pass
    assert most_at_once(room, [(1, 1)]) == 1
