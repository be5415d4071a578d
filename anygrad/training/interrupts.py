"""Let an update finish before Ctrl-C is heard, so that no parameter is left half updated."""

import signal
import threading
from typing import Any, Self


class Interrupts:
    """The handler of Ctrl-C during a run: ``with interrupts:`` around it, installs and restores.

    In a block ``with interrupts.held:`` a KeyboardInterrupt waits for the end of the block.
    """

    def __init__(self) -> None:
        self.held = Held()
        self._previous: Any = None

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread alone; and another handler (of a notebook, of
        # an outer run) decides for itself what Ctrl-C means.
        ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if ours and threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self.held.hear)
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the signal back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None


class Held:
    """A block that an interrupt can't cut in two."""

    def __init__(self) -> None:
        self.active = False
        self.heard = False

    def hear(self, number: int, frame: Any) -> None:
        """Raise KeyboardInterrupt, or keep it for the end of the block."""
        if not self.active:
            raise KeyboardInterrupt
        self.heard = True

    def __enter__(self) -> None:
        self.active = True

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Raise the interrupt that was kept, unless another exception is on its way."""
        self.active = False
        heard, self.heard = self.heard, False
        if heard and kind is None:
            raise KeyboardInterrupt
