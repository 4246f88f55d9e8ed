"""Lines on logarithmic axes as a self-contained SVG: no script, no font, nothing from outside."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 440, 280, 56, 26, 44, 40
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
SHAPES = ["circle", "square", "diamond"]  # told apart without colours, too


def number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


class Axis:
    """From a range of values to a range of pixels; ticks at 1, 2 and 5 of each decade."""

    def __init__(self, values, begin, end):
        self.low = 10 ** math.floor(math.log10(min(values)))
        self.high = 10 ** math.ceil(math.log10(max(values) * 1.0001))
        self.begin, self.end = begin, end

    def at(self, value):
        part = math.log10(value / self.low) / math.log10(self.high / self.low)
        return round(self.begin + part * (self.end - self.begin), 1)

    def ticks(self):
        """(value, it gets a label)."""
        value = self.low
        while value <= self.high:
            yield value, True
            for step in (2, 5):
                if value < self.high:
                    yield value * step, False
            value *= 10


def text(x, y, words, anchor="start", size=11, more=""):
    return (f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"{more}>'
            f"{escape(words)}</text>")


def mark(shape, x, y, colour):
    if shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x} {y})"' if shape == "diamond" else ""
    return f'<rect x="{x - 3}" y="{y - 3}" width="6" height="6" fill="{colour}"{turn}/>'


def grid(across, up):
    for value, named in across.ticks():
        x = across.at(value)
        yield (f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}" stroke="#000"'
               f' stroke-opacity="{0.2 if named else 0.07}"/>')
        if named:
            yield text(x, HEIGHT - BOTTOM + 14, number(value), "middle", 10)
    for value, named in up.ticks():
        y = up.at(value)
        yield (f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#000"'
               f' stroke-opacity="{0.2 if named else 0.07}"/>')
        if named:
            yield text(LEFT - 5, y + 4, number(value), "end", 10)


def panel(title, across_name, unit, curves, look):
    """One plot with the curves {name: [(x, y)]}; `look` gives each name its colour and shape."""
    points = [point for curve in curves.values() for point in curve]
    yield text(LEFT, TOP - 24, title, size=13, more=' font-weight="bold"')
    if not points:
        yield text(LEFT, HEIGHT / 2, "nothing passed")
        return
    across = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    yield from grid(across, up)
    yield text((LEFT + WIDTH) / 2, HEIGHT - 8, across_name, "middle")
    yield text(LEFT - 40, TOP - 8, unit)
    for name, curve in curves.items():
        colour, shape = look[name]
        places = [(across.at(x), up.at(y)) for x, y in curve]
        line = " ".join(f"{x},{y}" for x, y in places)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for (x, y), (rate, value) in zip(places, curve):
            yield (f"<g><title>{escape(name)}: {number(value)} {escape(unit)} at {number(rate)}"
                   f"</title>{mark(shape, x, y, colour)}</g>")


def legend(look):
    x = LEFT
    for name, (colour, shape) in look.items():
        yield mark(shape, x, 46, colour)
        yield text(x + 10, 50, name, size=12)
        x += 30 + 8 * len(name)


def page(title, across_name, unit, panels):
    """`panels`: [(title, curves)], two in a row."""
    names = list(dict.fromkeys(name for _, curves in panels for name in curves))
    look = {name: (COLOURS[place % len(COLOURS)], SHAPES[place % len(SHAPES)])
            for place, name in enumerate(names)}
    rows = (len(panels) + 1) // 2
    width, height = 2 * WIDTH, 64 + rows * HEIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
           f' viewBox="0 0 {width} {height}" font-family="sans-serif" role="img">',
           f"<title>{escape(title)}</title>", '<rect width="100%" height="100%" fill="#fff"/>',
           text(LEFT, 26, title, size=16, more=' font-weight="bold"'), *legend(look)]
    for place, (name, curves) in enumerate(panels):
        x, y = place % 2 * WIDTH, 64 + place // 2 * HEIGHT
        out += [f'<g transform="translate({x} {y})">',
                *panel(name, across_name, unit, curves, look), "</g>"]
    return "\n".join([*out, "</svg>\n"])
