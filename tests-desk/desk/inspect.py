"""Looks at a page's elements for what a report may not bring."""

from playwright.sync_api import Page

# Element names and attributes that rendered markdown needs; all else is a finding.
TEXT_ELEMENTS = (
    "a blockquote br code del div em h2 h3 h4 h5 h6 hr input li ol p pre section span strong "
    "sub sup table tbody td th thead tr ul"
).split()
TEXT_ATTRIBUTES = (
    "align aria-describedby aria-hidden aria-label aria-labelledby checked class dir disabled "
    "href id lang rel role start tabindex title type"
).split()

# What no element of any page may be or have; the service's own styles and scripts are files.
FOREIGN = """([origin]) => {
    const found = [];
    const tell = (element, why) => found.push(`${why}: ${element.outerHTML.slice(0, 200)}`);
    for (const element of document.querySelectorAll("*")) {
        for (const { name, value } of element.attributes) {
            if (name.startsWith("on")) tell(element, "handler");
            if (name === "style") tell(element, "style");
            if (["href", "src", "action", "formaction", "data", "ping", "srcset", "poster"].includes(name)
                && /^[\\s\\u0000-\\u0020]*(javascript|data|vbscript|blob|file):/i.test(value)) tell(element, "address");
        }
        if (element.matches("script:not([src]), style, iframe, frame, object, embed, base, applet, "
            + "math, video, audio, template, [srcdoc], meta[http-equiv]")) tell(element, "element");
        const loaded = element.matches("script, img, source") ? element.src
            : element.matches("link") ? element.href : "";
        if (loaded && new URL(loaded).origin !== origin) tell(element, "loads");
    }
    for (const form of document.forms) {
        if (new URL(form.getAttribute("action") ?? "", location).origin !== origin) tell(form, "form");
    }
    return found;
}"""

IN_TEXT = """([elements, attributes]) => {
    const found = [], text = document.querySelector("article#report");
    const tell = (element, why) => found.push(`${why}: ${element.outerHTML.slice(0, 200)}`);
    for (const element of text.querySelectorAll("*")) {
        if (!elements.includes(element.localName)) tell(element, "element");
        for (const { name } of element.attributes) {
            if (!attributes.includes(name)) tell(element, `attribute ${name}`);
        }
        if (element.id && (!element.id.startsWith("s-")
            || document.querySelectorAll(`[id="${CSS.escape(element.id)}"]`).length > 1)) tell(element, "id");
        if (element.localName === "input" && !(element.type === "checkbox" && element.disabled)) {
            tell(element, "control");
        }
    }
    for (const link of text.querySelectorAll("a[href]")) {
        const address = link.getAttribute("href");
        if (address.startsWith("#")) {
            if (!address.startsWith("#s-")) tell(link, "anchor");
        } else if (!/^(https?:|mailto:)/i.test(address)) {
            tell(link, "address");
        } else if (!["noopener", "noreferrer", "nofollow"].every((word) => link.relList.contains(word))) {
            tell(link, "rel");
        }
    }
    return found;
}"""

# Bidirectional controls, zero-width characters but the joiners of emoji, tags.
HIDDEN = """() => {
    const hidden = /[\\u202a-\\u202e\\u2066-\\u2069\\u200b\\u200e\\u200f\\ufeff\\u061c\\u{e0000}-\\u{e007f}]/u;
    const found = [], walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        // What is typed is shown as it will be sent.
        if (!node.parentElement.closest("textarea") && hidden.test(node.data)) {
            found.push(`hidden character: ${JSON.stringify(node.data.slice(0, 100))}`);
        }
    }
    return found;
}"""


def foreign_elements(page: Page) -> list[str]:
    """Return what is on the page that the service itself would never put there."""
    origin: str = page.evaluate("location.origin")
    return [*page.evaluate(FOREIGN, [origin]), *page.evaluate(HIDDEN)]


def foreign_in_text(page: Page) -> list[str]:
    """Return what is in the rendered report that markdown has no need of."""
    found: list[str] = page.evaluate(IN_TEXT, [TEXT_ELEMENTS, TEXT_ATTRIBUTES])
    return found
