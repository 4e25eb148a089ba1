"""The SQLite run history: what is stored of runs, and how it is asked for.

The names are listed in `__init__.pyi` and loaded when they are first used: a query needs none of
what a writer needs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
