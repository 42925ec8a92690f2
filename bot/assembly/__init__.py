"""The composition root: the only place that picks adapters and puts a running server together."""

from bot.assembly.compose import (
    DATABASE,
    Application,
    DataUnwritable,
    assemble,
    back_up,
    connect_model,
    is_ready,
    open_calibration,
    open_generator,
    open_store,
    open_tone,
    policy_of,
    prepare,
    prepare_data,
    restore,
    subscriptions,
)

__all__ = [
    "DATABASE",
    "Application",
    "DataUnwritable",
    "assemble",
    "back_up",
    "connect_model",
    "is_ready",
    "open_calibration",
    "open_generator",
    "open_store",
    "open_tone",
    "policy_of",
    "prepare",
    "prepare_data",
    "restore",
    "subscriptions",
]
