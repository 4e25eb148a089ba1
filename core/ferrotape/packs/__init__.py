"""Packs: read with lines, checked whole, and tested against their own sample answers."""

from ferrotape.packs.calibration import Calibrated, calibrate
from ferrotape.packs.choice import pick
from ferrotape.packs.load import find_packs, load_pack
from ferrotape.packs.selftest import Check, Judgement, self_test
from ferrotape.packs.wording import did_you_mean

__all__ = [
    "Calibrated",
    "Check",
    "Judgement",
    "calibrate",
    "did_you_mean",
    "find_packs",
    "load_pack",
    "pick",
    "self_test",
]
