"""How the results of plugins are validated: as they are declared, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

STRICT: Final[Mapping[str, Any]] = {
    "strict": True,
    "revalidate_instances": "always",
    "allow_inf_nan": False,
}
"""For `__pydantic_config__`; a plain mapping, so that the model needs no pydantic."""
