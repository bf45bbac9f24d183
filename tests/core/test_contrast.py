"""The style sheets keep the contrast of WCAG 2.2, computed from the CSS.

1.4.3: text 4.5:1; 1.4.11: edges and fills that must be seen 3:1.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "static"
TOKEN_FILES = (STATIC / "vendor/design-tokens/tokens.css", STATIC / "css/tokens.css")
SHEETS = sorted(path for path in (STATIC / "css").rglob("*.css") if path.name != "tokens.css")

TEXT, EDGE = 4.5, 3.0
GROUNDS = ("ground", "ground-soft", "ground-sunk", "accent-soft")

# Text whose ground is set by another rule than its colour.
TEXT_PAIRS = (
    *((ink, ground) for ink in ("ink", "ink-soft", "ink-faint", "accent", "accent-deep") for ground in GROUNDS),
    *((f"{tone}-ink", ground) for tone in ("good", "warn", "bad") for ground in ("ground", "ground-soft")),
    *((f"{tone}-ink", f"{tone}-soft") for tone in ("good", "warn", "bad")),
    *(("heat-ink-low", f"heat-{step}") for step in (1, 2, 3)),
    *(("heat-ink-high", f"heat-{step}") for step in (4, 5)),
    ("ink-soft", "hatch"),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("accent", "color-primitive-blue-100"),
)
# What tells a control, a state or a figure apart by its edge or fill.
EDGE_PAIRS = (
    ("line-strong", "ground"),
    ("line-strong", "ground-soft"),
    ("accent", "ground"),
    ("accent", "accent-soft"),
    ("accent", "line"),
    ("heat-edge", "ground"),
    ("heat-edge", "heat-1"),
    ("heat-4", "ground"),
    ("heat-5", "ground"),
    ("focus", "ground"),
    ("focus-halo", "focus"),
    ("good", "ground"),
    ("warn", "ground"),
    ("bad", "ground"),
    ("color-neutral-solid-gray-420", "ground"),
)
# Light text: its ground must stand in the same rule.
LIGHT = {"on-accent", "heat-ink-high"}
SYSTEM = {"inherit", "currentcolor", "transparent"}


def _tokens() -> dict[str, str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in TOKEN_FILES)
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", text))


TOKENS = _tokens()


def _hex(name: str) -> str:
    value = TOKENS[name].strip()
    while inner := re.fullmatch(r"var\(--([\w-]+)\)", value):
        value = TOKENS[inner[1]].strip()
    assert re.fullmatch(r"#[0-9a-f]{6}", value), f"--{name} is {value}, not a plain colour"
    return value


def _luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb as WCAG defines it, 0 to 1."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two tokens, 1 to 21."""
    low, high = sorted((_luminance(_hex(one)), _luminance(_hex(other))))
    return (high + 0.05) / (low + 0.05)


def _rules(sheet: Path) -> list[tuple[str, dict[str, str]]]:
    """Return selector and declarations of every innermost block of a style sheet."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [
        (selector.strip(), dict(re.findall(r"([\w-]+)\s*:\s*([^;]+);", f"{body};")))
        for selector, body in re.findall(r"([^{};]+)\{([^{}]*)\}", text)
    ]


def test_the_measure_itself() -> None:
    assert contrast("color-neutral-black", "color-neutral-white") == pytest.approx(21)
    assert contrast("color-neutral-solid-gray-536", "color-neutral-white") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_can_be_read(ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= TEXT


@pytest.mark.parametrize(("edge", "ground"), EDGE_PAIRS)
def test_edges_can_be_seen(edge: str, ground: str) -> None:
    assert contrast(edge, ground) >= EDGE


def test_heat_steps_go_from_light_to_dark() -> None:
    """Neighbours differ enough to be told apart in grey."""
    steps = [f"heat-{step}" for step in range(1, 6)]
    assert sorted(steps, key=lambda step: -_luminance(_hex(step))) == steps
    assert all(contrast(lighter, darker) >= 1.25 for lighter, darker in pairwise(steps))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_colours_come_from_tokens(sheet: Path) -> None:
    """No colour is written out in a rule, so that the pairs above are all there are."""
    own = {name for _, body in _rules(sheet) for name in body if name.startswith("--")}
    for selector, body in _rules(sheet):
        for name, value in body.items():
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b", value), f"{selector}: {name}: {value}"
            for token in re.findall(r"var\(--([\w-]+)", value):
                assert token in TOKENS or f"--{token}" in own or ", " in value, f"{selector}: --{token} is not defined"


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_rule_with_a_text_colour_keeps_contrast(sheet: Path) -> None:
    """A rule that sets both is checked as it stands; one that sets the colour alone is checked on the page's ground."""
    for selector, body in _rules(sheet):
        ink = re.fullmatch(r"var\(--([\w-]+)\)(?: !important)?", body.get("color", "").strip())
        if not ink or "::before" in selector or ".icon" in selector:
            continue
        ground = re.match(r"var\(--([\w-]+)\)", body.get("background", body.get("background-color", "")).strip())
        assert ground or ink[1] not in LIGHT, f"{selector} has light text and no ground of its own"
        ratio = contrast(ink[1], ground[1] if ground else "ground")
        assert ratio >= TEXT, f"{selector}: {ink[1]} has {ratio:.2f}:1"
