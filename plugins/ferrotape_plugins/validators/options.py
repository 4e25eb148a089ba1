"""Types of the validators' options."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Le

Seconds = Annotated[float, Gt(0), Le(86_400)]
"""A time limit: more than nothing, at most a day. The ends leave out infinity and NaN too."""
