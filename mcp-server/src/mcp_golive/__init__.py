"""MCP server of golive: tools, a prompt and a resource over the service's REST API.

A developer's assistant is led through a go-live review, checks the report and
hands it in; a reviewer's lists, reads and records decisions. The server keeps
nothing: every call is an exchange with the service at `API_BASE_URL`, which
holds all rules and all state.
"""

__version__ = "0.1.0"
