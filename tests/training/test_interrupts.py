import os
import signal
import threading

import pytest

from anygrad.training.interrupts import Interrupts


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_block_ends_before_the_interrupt_is_heard():
    done = []

    def work():
        with Interrupts() as interrupts:
            with interrupts.held:
                interrupt()
                done.append("whole")
            done.append("never reached")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_outside_the_block_it_is_heard_at_once():
    done = []

    def work():
        with Interrupts() as interrupts:
            with interrupts.held:
                pass
            interrupt()
            done.append("never reached")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_interrupt_is_heard_once():
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.held:
            interrupt()
        with interrupts.held:
            pass


def test_an_exception_passes_and_the_handler_comes_back():
    def work():
        with Interrupts() as interrupts, interrupts.held:
            raise ValueError("of the update")

    with pytest.raises(ValueError, match="of the update"):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_is_left_alone():
    heard = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with Interrupts() as interrupts, interrupts.held:
            interrupt()
            assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, previous)


def test_other_threads_may_train():
    done = []

    def work():
        with Interrupts() as interrupts, interrupts.held:
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
