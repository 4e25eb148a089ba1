"""Ferrotape compares prompt formats for coding agents, with recorded calls and real tools.

This is the public face; plugins and scripts import from here. The names are listed in
`__init__.pyi` and loaded when they are first used, which keeps `ferrotape --help` quick.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
