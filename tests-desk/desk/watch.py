"""Watches a browser for what no page of the desk may do, whatever text is on it.

A script of a report that ran, a request to somewhere else, a report of the
Content Security Policy: each is noted where it happens, and the test reads
`faults`. The page cannot hide one: the hooks are there before its first line.
"""

import re
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, WebError

# What payloads call. `eval` of the page itself is no such thing: the policy forbids it, and says so.
HOOKS = """
(() => {
    const tell = window.__golive_tell;
    for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
        Object.defineProperty(window, name, { value: () => { tell("script", name); }, writable: false });
    }
    document.addEventListener("securitypolicyviolation", (event) => {
        tell("policy", `${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
})();
"""


class Watch:
    """What happened in `context`, beside the pages of `origin`, since it was made."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.faults: list[str] = []
        self._origin = origin
        context.expose_binding("__golive_tell", self._told)  # pyright: ignore[reportUnknownMemberType]
        context.add_init_script(HOOKS)
        context.on("request", self._requested)
        context.on("console", self._logged)
        context.on("dialog", self._dialog)
        context.on("weberror", self._thrown)

    def forgive(self, pattern: str) -> None:
        """Forget what matches `pattern`, where a test is the cause of it."""
        self.faults = [fault for fault in self.faults if not re.search(pattern, fault)]

    def _told(self, _source: dict[str, Any], kind: str, detail: str) -> None:
        self.faults.append(f"{kind}: {detail}")

    def _requested(self, request: Request) -> None:
        if request.url != self._origin and not request.url.startswith(f"{self._origin}/"):
            self.faults.append(f"request: {request.method} {request.url[:200]}")

    def _logged(self, message: ConsoleMessage) -> None:
        # A page that was meant to be refused is logged as a failed resource.
        refused = "the server responded with a status of 4" in message.text
        if message.type in ("error", "warning") and not refused:
            self.faults.append(f"console: {message.text[:300]}")

    def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.type} {dialog.message}")
        dialog.dismiss()

    def _thrown(self, error: WebError) -> None:
        self.faults.append(f"thrown: {error.error.message}")
