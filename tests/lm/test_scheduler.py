"""Many texts at once, written by real threads."""

import subprocess
import sys
import threading

import pytest
import torch

from deeprnn.config import ModelConfig
from deeprnn.lm.decoder import DecodeBatch, Decoder, stream
from deeprnn.lm.sampling import Sampling
from deeprnn.lm.scheduler import MAX_UNREAD, UPDATE_SECONDS, Scheduler
from deeprnn.nn.model import CharRNN
from tests.conftest import ROOT, WAIT, wait_until

V = 11


def decoder(cell="gru", seed=1, hidden=16):
    model = CharRNN(ModelConfig(cell=cell, hidden_size=hidden, num_layers=2), V)
    model.reset_parameters("uniform", torch.Generator().manual_seed(seed))
    with torch.no_grad():  # far from uniform: choices must matter
        model.head.weight.mul_(8)
    return Decoder(model)


def finish(generation, length):
    ids = []
    while len(ids) < length:
        assert generation.updated.wait(WAIT), f"no more than {len(ids)} of {length} characters"
        generation.updated.clear()
        ids += generation.take()
    return ids


def test_texts_become_what_they_become_alone_whenever_they_join_or_leave():
    decoders, scheduler = [decoder("gru"), decoder("lstm")], Scheduler(2)
    asks = [  # model, prompt, length, sampling, drawn before
        (
            i % 2,
            [1 + i % 9] * (1 + 11 * (i % 8)),
            20 + 37 * (i % 5),
            Sampling(seed=i, temperature=i % 3 / 2, top_k=i % 4),
            i % 3,
        )
        for i in range(24)
    ]
    found, begun = [None] * len(asks), [threading.Event() for _ in asks]

    def ask(i):
        model, prompt, length, sampling, drawn = asks[i]
        if i >= 6:  # joins while others are being written
            begun[i - 6].wait(WAIT)
        generation = scheduler.begin(decoders[model], prompt, length, sampling, drawn)
        generation.updated.wait(WAIT)
        begun[i].set()
        found[i] = finish(generation, length)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (model, prompt, length, sampling, drawn), ids in zip(asks, found, strict=True):
        assert ids == list(stream(decoders[model], prompt, length, sampling, drawn))


def test_nothing_is_left_of_texts_that_are_finished():
    scheduler, one = Scheduler(1), decoder()
    for length in (1, 300):
        finish(scheduler.begin(one, [1, 2], length, Sampling()), length)
    wait_until(lambda: not scheduler._batches)


def test_a_text_that_nobody_reads_waits_and_goes_on_when_it_is_read():
    scheduler, one, length = Scheduler(1), decoder(), 4 * MAX_UNREAD
    unread = scheduler.begin(one, [1], length, Sampling())
    assert len(finish(scheduler.begin(one, [2], length, Sampling()), length)) == length, "others go on meanwhile"
    wait_until(lambda: unread.waits_for_reader)
    before = len(unread.ready)
    finish(scheduler.begin(one, [3], length, Sampling()), length)
    assert MAX_UNREAD <= before == len(unread.ready) < 2 * MAX_UNREAD
    assert finish(unread, length) == list(stream(one, [1], length, Sampling()))


def test_a_closed_text_is_written_no_further_and_its_slot_is_given_on():
    scheduler, one = Scheduler(1), decoder()
    closed = scheduler.begin(one, [1], 10 * MAX_UNREAD, Sampling())
    closed.close()
    finish(scheduler.begin(one, [2], 400, Sampling()), 400)
    assert len(closed.ready) < 2 * MAX_UNREAD
    before = len(closed.ready)
    finish(scheduler.begin(one, [3], 400, Sampling()), 400)
    assert len(closed.ready) == before
    assert closed not in getattr(scheduler._batches.get(one), "slots", {})


def test_a_short_text_does_not_wait_for_long_ones_of_a_large_model():
    scheduler, large, small = Scheduler(1), decoder("lstm", hidden=256), decoder("rnn")
    for one in (large, small):  # compiled
        list(stream(one, [1], 2, Sampling()))
    long = [scheduler.begin(large, [1], 2_000, Sampling(seed=i)) for i in range(8)]
    readers = [threading.Thread(target=finish, args=(generation, 2_000)) for generation in long]
    for reader in readers:
        reader.start()
    finish(scheduler.begin(small, [1], 3, Sampling()), 3)
    assert all(reader.is_alive() for reader in readers), "16,000 characters are not written before 3"
    for generation, reader in zip(long, readers, strict=True):
        reader.join()
        assert generation.take() == []


def test_what_goes_wrong_reaches_the_reader_and_the_threads_go_on(monkeypatch):
    scheduler, one, updated = Scheduler(1), decoder(), threading.Event()
    write = DecodeBatch.write

    def broken(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(DecodeBatch, "write", broken)
    generation = scheduler.begin(one, [1], 5, Sampling(), updated=updated)
    assert updated.wait(WAIT)
    with pytest.raises(MemoryError, match="no room"):
        generation.take()
    monkeypatch.setattr(DecodeBatch, "write", write)
    assert len(finish(scheduler.begin(one, [1], 5, Sampling()), 5)) == 5


def test_readers_look_less_often_the_more_there_are(monkeypatch):
    scheduler, one = Scheduler(1), decoder()
    assert scheduler.pause() == UPDATE_SECONDS
    monkeypatch.setattr("deeprnn.lm.scheduler.POLLS_A_SECOND", 10)
    generations = [scheduler.begin(one, [1], 10 * MAX_UNREAD, Sampling()) for _ in range(5)]
    assert scheduler.pause() == 0.5
    for generation in generations:
        generation.close()


PRIORITY = """
import os, threading
os.nice(10)
from deeprnn.lm.scheduler import lower_thread_priority

def lower():
    lower_thread_priority()
    print(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == os.getpriority(os.PRIO_PROCESS, 0) >= 10)

thread = threading.Thread(target=lower)
thread.start()
thread.join()
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_writing_keeps_the_priority_of_a_process_that_was_started_with_a_low_one():
    """Who is not root may not raise it again: the threads that write would end."""
    done = subprocess.run([sys.executable, "-c", PRIORITY], cwd=ROOT, capture_output=True, text=True, timeout=WAIT)
    assert done.stdout == "True\n", done.stderr
