"""Import this module before torch: without the extra `agents`, the error then names it."""

from agents.extras import require

require("agents", "torch", "safetensors")
