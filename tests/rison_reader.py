"""Reads rison, as Kibana does from an address."""

from __future__ import annotations

import re


def rison(text: str):
    """Objects, lists, strings, whole numbers, true, false and null."""

    def value(at: int):
        if text[at] == "(":
            found, at = {}, at + 1
            while text[at] != ")":
                key, at = token(at)
                found[key], at = value(at + 1)
                at += text[at] == ","
            return found, at + 1
        if text.startswith("!(", at):
            items, at = [], at + 2
            while text[at] != ")":
                item, at = value(at)
                items.append(item)
                at += text[at] == ","
            return items, at + 1
        if text[at] == "!":
            return {"t": True, "f": False, "n": None}[text[at + 1]], at + 2
        word, at = token(at)
        return (int(word) if word.isdigit() else word), at

    def token(at: int):
        if text[at] == "'":
            end = text.index("'", at + 1)
            return text[at + 1 : end], end + 1
        end = re.compile(r"[(),:!']").search(text, at).start()
        return text[at:end], end

    found, end = value(0)
    assert end == len(text)
    return found
