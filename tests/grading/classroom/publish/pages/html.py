"""Read a page as a browser's accessibility tools do: its tree, its headings, the colours that its
style sheet gives.
"""

import re
from xml.etree import ElementTree


def tree_of(page):
    first, _, rest = page.partition("\n")
    assert first == "<!DOCTYPE html>"
    return ElementTree.fromstring(rest)  # noqa: S314 - a page of ours, and only a well-formed one parses


def text_of(element):
    return " ".join("".join(element.itertext()).split())


def rules_of(style):
    """Yield (media, selector, declarations) of a flat style sheet."""
    for found in re.finditer(
        r"@media \(?([^){]+)\)?\{((?:[^{}]*\{[^{}]*\})*)\}|([^{}@]+)\{([^{}]*)\}", style
    ):
        media, inner, selector, body = found.groups()
        if media:
            for rule in re.finditer(r"([^{}]+)\{([^{}]*)\}", inner):
                yield media.strip(), rule[1].strip(), declarations(rule[2])
        else:
            yield "", selector.strip(), declarations(body)


def declarations(body):
    return dict(each.strip().split(":", 1) for each in body.split(";") if ":" in each)


def colour_pairs(style):
    """Return (media, selector, text colour, ground) for every rule that sets a colour, with the
    variables put in.
    """
    rules = list(rules_of(style))
    variables = {}
    for media, selector, body in rules:
        if selector == ":root":
            variables.setdefault(media, {}).update(
                {name: value for name, value in body.items() if name.startswith("--")}
            )
    found = []
    for media, colours in variables.items():
        named = {**variables[""], **colours}
        for _, selector, body in rules:
            if "color" in body:
                put = lambda value, named=named: re.sub(
                    r"var\((--[\w-]+)\)", lambda match: named[match[1]], value
                )
                found.append((media, selector, put(body["color"]), put(body["background"])))
    return found


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
