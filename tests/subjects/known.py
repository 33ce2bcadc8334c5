"""Steps with known truth, one mechanism each; TRUTH says what a right verdict is.

They are the cases in which the usual detectors go wrong: rare and small leaks, leaks in C, growth that ends
late, noise that looks like growth, bounds that are declared and bounds that are only in the code.
"""

import asyncio
import collections
import ctypes
import fnmatch
import functools
import gc
import logging
import mmap
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

KEPT: list = []
MAP: dict = {}
ORDERED: collections.OrderedDict = collections.OrderedDict()
LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]


def nothing(i):
    """The instrument's own noise floor."""


def nothing_without_argument():
    """Called as f()."""


def entry_a_step(i):
    MAP[i] = bytes(64)


def slot_a_step(i):
    KEPT.append(None)


def one_in_seven(i):
    if i % 7 == 0:
        KEPT.append(bytes(31))


def one_in_5000_under_churn(i):
    scratch = bytes(100_000)
    if i % 5_000 == 0:
        KEPT.append(object())
    del scratch


def one_in_20_000(i):
    if i % 20_000 == 0:
        KEPT.append(bytearray(64))


def mebibyte_a_step(i):
    KEPT.append(bytearray(1 << 20))


def mebibyte_in_100(i):
    if i % 100 == 0:
        KEPT.append(bytearray(1 << 20))


def one_in_three(i):
    if i % 3 == 0:
        KEPT.append(bytes(31))


def mebibyte_in_700(i):
    if i % 700 == 0:
        KEPT.append(bytes(1 << 20))


def malloc_in_c(i):
    LIBC.malloc(64)


def anonymous_mmap(i):
    pages = mmap.mmap(-1, 65_536)
    pages[:] = b"x" * 65_536
    KEPT.append(pages)


def descriptor_a_step(i):
    KEPT.append(os.open("/dev/null", os.O_RDONLY))


def thread_in_four(i):
    if i % 4 == 0:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


def child_in_two(i):
    if i % 2 == 0:
        KEPT.append(subprocess.Popen(["sleep", "60"]))


def slow_leak(i):
    time.sleep(0.02)
    MAP[i] = bytes(400)


def slow_nothing(i):
    time.sleep(0.02)


async def async_leak(i):
    await asyncio.sleep(0)
    MAP[i] = bytes(64)


async def async_nothing():
    await asyncio.sleep(0)


def linked_list(i):
    global head
    head = (head, i)


head = None


def grown_string(i):
    MAP["text"] = MAP.get("text", "") + "0123456789abcdef"


class Service:
    listeners: list = []

    def __init__(self):
        self.rows = {}

    def login(self, i):
        self.rows[i] = object()

    def logout(self, i):
        self.rows.pop(i, None)


service = Service()
login = functools.partial(Service.login, Service())


def two_leaks(i):
    service.rows[i] = bytes(100)
    Service.listeners.append(bytes(100))


def closure_leak():
    seen = []

    def step(i):
        seen.append(bytes(40))

    return step


closure = closure_leak()


def logger_a_step(i):
    logging.getLogger(f"session.{i}")


@functools.lru_cache(maxsize=3_000)
def _small(key):
    return bytes(64)


def lru_small(i):
    _small(i)


@functools.lru_cache(maxsize=100_000)
def _middle(key):
    return bytes(64)


def lru_100k(i):
    _middle(i)


@functools.lru_cache(maxsize=10_000_000)
def _vast(key):
    return bytes(64)


def lru_vast(i):
    _vast(i)


def lru_vast_and_a_list(i):
    _vast(i)
    KEPT.append(bytes(64))


RING = collections.deque(maxlen=5_000_000)


def deque_filling(i):
    RING.append(bytes(64))


def ever_more_caches(i):
    cache = functools.lru_cache(maxsize=1_000)(lambda key: key)
    cache(i)
    KEPT.append(cache)


@functools.lru_cache(maxsize=100)
def _rows(key):
    return []


def values_grow_in_a_full_cache(i):
    _rows(i % 100).append(bytes(64))


def hand_written_cache(i):
    ORDERED[i] = bytes(64)
    if len(ORDERED) > 30_000:
        ORDERED.popitem(last=False)


def hand_written_cache_of_900k(i):
    ORDERED[i] = None
    if len(ORDERED) > 900_000:
        ORDERED.popitem(last=False)


def strings_of_an_ordered_cache(i):
    """They get longer, so that what is evicted leaves room that no other fits into."""
    ORDERED[i] = f"v{i}"
    if len(ORDERED) > 300_000:
        ORDERED.popitem(last=False)


def mebibytes_in_a_cache(i):
    MAP[i] = bytearray(1 << 20)
    if len(MAP) > 200:
        del MAP[next(iter(MAP))]


RANDOM = random.Random(5)
SEEN: set = set()


def random_keys_of_500k(i):
    SEEN.add(RANDOM.randrange(500_000))


def sawtooth_of_300(i):
    MAP[i] = i
    if len(MAP) >= 300:
        MAP.clear()


def sawtooth_of_600k(i):
    if i % 600_000 == 0:
        MAP.clear()
    MAP[i] = None


def window(i):
    MAP[i] = bytes(100)
    MAP.pop(i - 500, None)


def cycle(i):
    ring = []
    ring.append(ring)


class Node:
    __slots__ = ("next", "own")  # small: what awaits the collector is to stay below what allocators keep

    def __init__(self):
        self.own = self  # the collector's business alone
        self.next = None


first = last = Node()


def window_of_cycles(i):
    """A node that has left still leads to all that came after it: nothing of it stays once it is collected."""
    global first, last
    last.next = Node()
    last = last.next
    if i > 30:
        first = first.next
    if i % 10_000 == 0:
        gc.collect()  # or a young collection would leave megabytes of them to a full one


def one_off(i):
    if not KEPT:
        KEPT.append(bytearray(1 << 20))


def removes_but_not_all(i):
    MAP[i] = bytes(64)
    if i % 10:
        MAP.pop(i, None)


def patterns_of_fnmatch(i):
    fnmatch.fnmatch("name", f"pattern-{i}-*")


def asyncio_run(i):
    async def nap():
        await asyncio.sleep(0)

    asyncio.run(nap())


def sqlite_insert_delete(i):
    db = _database()
    db.execute("insert into t values (?, ?)", (i, "x" * 50))
    db.execute("delete from t where k = ?", (i,))


@functools.cache
def _database():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("create table t (k integer primary key, v text)")
    return db


def thread_start_join(i):
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


KEY = ctypes.c_uint()
LIBC.pthread_key_create(ctypes.byref(KEY), ctypes.cast(LIBC.usleep, ctypes.c_void_p))


def _lives_on():
    LIBC.pthread_setspecific(KEY, ctypes.c_void_p(20_000))


def thread_gone_long_after_its_join(i):
    """As on a busy machine: Python has done with a thread 20 ms before the system has."""
    thread = threading.Thread(target=_lives_on)
    thread.start()
    thread.join()


_pool = None


def thread_pool(i):
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(4)
    _pool.submit(int).result()


def frozen_memory(i):
    """Grows by 80 MB of small blocks once, lets nine in ten go: the heap is back, the pages are not."""
    if i == 70:
        KEPT.extend(bytes(1_000) for _ in range(80_000))
        KEPT[:] = KEPT[::10]


def raises_at_17(i):
    if i == 17:
        raise KeyError("seventeen")


def raises_late(i):
    if i == 5_000:
        raise KeyError("late")


def exits(i):
    if i == 300:
        sys.exit(3)


def exits_at_once(i):
    if i == 300:
        os._exit(0)


def kills_itself(i):
    if i == 300:
        os.kill(os.getpid(), 9)


def never_returns(i):
    if i == 300:
        while True:
            time.sleep(1)


def prints(i):
    print("noise", i)
    sys.stderr.write("more noise\n")


def reads_input(i):
    sys.stdin.read()


def changes_folder(i):
    os.chdir("/")


def forks(i):
    if i % 100 == 0 and i < 1_000:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)


def wants_two(a, b):
    pass


NOT_CALLABLE = 3

TRUTH = {
    "nothing": "steady",
    "nothing_without_argument": "steady",
    "entry_a_step": "leak",
    "slot_a_step": "leak",
    "one_in_seven": "leak",
    "one_in_5000_under_churn": "leak",
    "one_in_20_000": "leak",
    "mebibyte_a_step": "leak",
    "mebibyte_in_100": "leak",
    "one_in_three": "leak",
    "mebibyte_in_700": "leak",
    "malloc_in_c": "leak",
    "anonymous_mmap": "leak",
    "descriptor_a_step": "leak",
    "thread_in_four": "leak",
    "child_in_two": "leak",
    "slow_leak": "leak",
    "slow_nothing": "steady",
    "async_leak": "leak",
    "async_nothing": "steady",
    "linked_list": "leak",
    "grown_string": "leak",
    "service.login": "leak",
    "login": "leak",
    "two_leaks": "leak",
    "closure": "leak",
    "logger_a_step": "leak",
    "lru_small": "bounded",
    "lru_100k": "bounded",
    "lru_vast": "filling",
    "lru_vast_and_a_list": "leak",
    "deque_filling": "filling",
    "ever_more_caches": "leak",
    "values_grow_in_a_full_cache": "leak",
    "hand_written_cache": "bounded",
    "hand_written_cache_of_900k": "bounded",
    "strings_of_an_ordered_cache": "bounded",
    "mebibytes_in_a_cache": "bounded",
    "random_keys_of_500k": "bounded",
    "sawtooth_of_300": "steady",
    "sawtooth_of_600k": "steady",
    "window": "steady",
    "cycle": "steady",
    "one_off": "steady",
    "removes_but_not_all": "leak",
    "patterns_of_fnmatch": "filling",
    "asyncio_run": "steady",
    "sqlite_insert_delete": "steady",
    "window_of_cycles": "steady",
    "thread_start_join": "steady",
    "thread_gone_long_after_its_join": "steady",
    "thread_pool": "steady",
    "frozen_memory": "unreturned",
    "prints": "steady",
    "reads_input": "steady",
    "changes_folder": "steady",
    "forks": "steady",
}
