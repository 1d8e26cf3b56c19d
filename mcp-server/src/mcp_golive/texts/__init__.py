"""What the tools say on success: the text beside the structured output."""

from mcp_golive.texts.checked import checked
from mcp_golive.texts.listed import listed
from mcp_golive.texts.recorded import reviewed, revised, submitted
from mcp_golive.texts.shown import shown

__all__ = ["checked", "listed", "reviewed", "revised", "shown", "submitted"]
