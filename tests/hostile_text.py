"""Text that somebody outside may choose, and that would act if it were shown as anything but text."""

from __future__ import annotations

SCRIPT = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
LINK = '"><a href="javascript:document.title=1">see</a>'
TERMINAL = "\x1b]8;;http://evil.example\x07\x1b[31mred\x1b[2K\r\nerror: forged"
BIDI = "photo\u202egpj.exe\u2066"
MARKDOWN = (
    "[x](javascript:alert(1)) ![x](http://evil.example/x.png) <b>b</b> |cell| `code` http://evil.example"
)
RICH = "[link=http://evil.example]here[/link] [/close] [red]x :smile:"
FORMULA = '=HYPERLINK("http://evil.example","x")'
MATHS = "$\\href{javascript:alert(1)}{x}$ $\\frac{$"
FLOOD = "Q" + "\u0301" * 500
ALL = {
    "script": SCRIPT,
    "link": LINK,
    "terminal": TERMINAL,
    "bidi": BIDI,
    "markdown": MARKDOWN,
    "rich": RICH,
    "formula": FORMULA,
    "maths": MATHS,
    "flood": FLOOD,
}

ADDRESSES = [
    "javascript:document.title='pwned'",
    " javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "/app/dev_tools#/console?load_from=data:text/plain,DELETE",
    "//evil.example/x",
    "../../logout",
    "#/x",
    'http://x"onmouseover="alert(1)',
    "https://evil.example/login",
]
"""Values of `url.original` that must not become a link."""
