"""Settings: where new arrays are made and how anygrad talks, resolved from six sources.

A later source wins over an earlier one::

    default < file < environment < process (configure) < with-block (use_settings) < argument

Settings decide only about *new* arrays and about messages; a function given arrays follows the
arrays.
"""

from __future__ import annotations

from anygrad.config.blocks import use_settings
from anygrad.config.fields import CHOICES, Settings, check_settings
from anygrad.config.resolve import configure, origins, reload_settings, settings

__all__ = [
    "CHOICES",
    "Settings",
    "check_settings",
    "configure",
    "origins",
    "reload_settings",
    "settings",
    "use_settings",
]
