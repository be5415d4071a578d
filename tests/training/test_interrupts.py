import os
import signal
import threading

import pytest

from anygrad.training.interrupts import interrupt_held


def test_the_block_ends_before_the_interrupt_is_heard():
    done = []

    def work():
        with interrupt_held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("whole")
        done.append("never reached")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_exception_passes_and_the_handler_comes_back():
    def work():
        with interrupt_held():
            raise ValueError("of the update")

    with pytest.raises(ValueError, match="of the update"):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_is_left_alone():
    heard = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with interrupt_held():
            os.kill(os.getpid(), signal.SIGINT)
            assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, previous)


def test_other_threads_may_train():
    done = []

    def work():
        with interrupt_held():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
