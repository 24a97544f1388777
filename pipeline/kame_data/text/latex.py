"""LaTeX into plain notation (x^{2}, a/b, Greek letters by name), as far as it can be read out."""

import re

from kame_data.errors import Refusal

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_NAMES = {name: letter for letter, name in GREEK.items()} | {
    "varepsilon": "ε", "vartheta": "θ", "varphi": "φ", "texttheta": "θ", "varpi": "π", "varsigma": "σ",
    "textphi": "φ",
}  # fmt: skip
_COMMANDS = {
    "times": "×", "cdot": "·", "bullet": "·", "textbullet": "·", "div": " divided by ", "pm": "±", "leq": "≤",
    "le": "≤", "geq": "≥", "ge": "≥",
    "leqslant": "≤", "geqslant": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "approxeq": "≈", "simeq": "≈",
    "infty": "∞", "ldots": "...",
    "dots": "...", "cdots": "...", "circ": "°", "degree": "°", "sin": " sin ", "cos": " cos ", "tan": " tan ",
    "log": " log ", "ln": " ln ", "exp": " exp ", "arctan": " arctan ", "arcsin": " arcsin ", "arccos": " arccos ",
    "sinh": " sinh ", "cosh": " cosh ", "quad": " ", "qquad": " ", "left": "", "right": "", "big": "", "Big": "",
    "displaystyle": "", "prime": "'", "lt": "<", "gt": ">", "colon": ":", "surd": "√", "ell": "l",
    "hbar": " h bar ",
    "perp": " perpendicular to ", "parallel": " parallel to ", "max": " max ", "min": " min ", "AA": "Å",
    "textdegree": "°",
    "to": "→", "rightarrow": "→", "longrightarrow": "→", "rightleftharpoons": "⇌", "rightleftarrows": "⇌",
    "leftrightarrow": "↔", "lim": " lim ", "mid": "|", "vert": "|", "lvert": "|", "rvert": "|",
    "angle": " ∠ ", "in": " ∈ ", "notin": " ∉ ", "cup": "∪", "cap": "∩", "subset": "⊂", "subseteq": "⊆", "cong": "≅",
    "textcent": "¢", "equiv": "≡", "propto": " is proportional to ", "percnt": "%", "pounds": "£", "euro": "€",
}  # fmt: skip
_FONTS = "text|mathrm|mathbf|mathit|textbf|textit|operatorname|rm|mathsf|textrm|emph|boldsymbol|mathcal|mbox|underline"
_SPACE_RE = re.compile(r"\\[,;:! ]|~|\\\\(?=\s|$)")
_FONT_RE = re.compile(rf"\\(?:{_FONTS})\s?\{{([^{{}}]*(?:\{{[^{{}}]*\}}[^{{}}]*){{0,4}})\}}")
# An arrow of a typesetter's font, over a letter that is a vector and alone; a line that is a minus sign.
_OVER_ARROW_RE = re.compile(r"(?<![A-Za-z\\])([A-Za-z])\s?\^?\{?\\ding\{217\}\}?")
_ARROW_RE = re.compile(r"\\ding\s?\{217\}")
_MINUS_RE = re.compile(r"\\rule\s?\{1em\}\s?\{1pt\}")
_FRAC_RE = re.compile(r"\\[dtc]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_FRAC_DIGITS_RE = re.compile(r"\\[dtc]?frac\s?(\d)(\d)")
_SQRT_RE = re.compile(r"\\sqrt\s?\{([^{}]*)\}")
_ORDER_ROOT_RE = re.compile(r"\\sqrt\s?\[\s?(\w{1,2})\s?\]\s?\{([^{}]*)\}")
_ACCENT_RE = re.compile(r"\\(hat|bar|vec|tilde|overline|widehat)\s?\{?\s?([A-Za-z])\s?\}?")
_COMMAND_RE = re.compile(r"\\([A-Za-z]+)")
_DELIMITED_RE = re.compile(r"\\\(|\\\)|\\\[|\\\]|\$\$")
_DOLLAR_RE = re.compile(r"\$([^$\n]{1,200})\$(?!\d)")
_WORDS_RE = re.compile(r"(?<![\\A-Za-z])(?!(?:the|absolute|value|magnitude|times|given)\b)[A-Za-z]{3,}")
_PLAIN_TOP_RE = re.compile(r"[\w.]+$")


def _is_math(content: str) -> bool:
    """True where the text between two dollar signs is a formula, False where the signs belong to two prices."""
    if re.search(r"[\\^_{]", content):
        return True
    if (content != content.strip(" ") and not re.search(r"=", content)) or content.endswith((",", "-", "–")):
        return False
    return not _WORDS_RE.search(content)


def _fraction(m: re.Match[str]) -> str:
    top, bottom = m[1].strip(), m[2].strip()
    if top.isdigit() and bottom.isdigit():
        return f" {top}/{bottom} "
    top = top if _PLAIN_TOP_RE.match(top) else f"({top})"
    bottom = bottom if _PLAIN_TOP_RE.match(bottom) else f"({bottom})"
    return f" {top}/{bottom} "


def _root(m: re.Match[str]) -> str:
    inner = m[1].strip()
    if re.fullmatch(r"\w+", inner):
        return f"√{inner} "
    if "(" in inner and not re.search(r"[-+=]", inner):  # a fraction of products needs no brackets of its own
        inner = re.sub(r"\s?[()]\s?", "", inner)
    return f"√({inner}) "


def _accent(m: re.Match[str]) -> str:
    name = {"overline": "bar", "widehat": "hat", "vec": "vector"}.get(m[1], m[1])
    return f" vector {m[2]} " if name == "vector" else f" {m[2]} {name} "


def _command(m: re.Match[str]) -> str:
    name = m[1]
    if name in _COMMANDS:
        return _COMMANDS[name]
    if name in _NAMES:
        return _NAMES[name]
    # Bad extraction glues the next letters on: \DeltaH, \alphacos.
    for length in range(len(name) - 1, 1, -1):
        if name[:length] in _NAMES:
            return f"{_NAMES[name[:length]]} {name[length:]}"
        if name[:length] in ("times", "surd", "bullet", "textbullet", "infty"):
            return f"{_COMMANDS[name[:length]]} {name[length:]}"
    raise Refusal("formula", f"\\{name}")


def plain(text: str) -> str:
    """`text` without LaTeX: commands as signs, `\\frac{a}{b}` as a/b, groups only after ^ and _.

    Raises Refusal `formula` for commands that stand for what cannot be read out (sums, integrals, matrices, limits).
    """
    if "$" in text:
        text = text.replace("\\$", "\ue000")
        text = _DOLLAR_RE.sub(lambda m: f" {m[1].strip()} " if _is_math(m[1]) else m[0], text)
        text = text.replace("\ue000", "$")
    if "\\" not in text:
        return text
    if "\\begin" in text or ("\\\\" in text and re.search(r"\\\\\s*[^\s]", text)):
        raise Refusal("formula", "a LaTeX environment")
    text = _SPACE_RE.sub(" ", _DELIMITED_RE.sub(" ", text))
    text = re.sub(r"\\([%#&])", r"\1", text)
    text = _MINUS_RE.sub("-", _ARROW_RE.sub(" → ", _OVER_ARROW_RE.sub(r"\\vec{\1}", text)))
    text = re.sub(r"\^\s?\{?\s?\\circ\s?\}?", "°", text)
    for _ in range(3):
        text = _FONT_RE.sub(lambda m: f" {m[1].strip()} " if len(m[1].strip()) > 1 else m[1], text)
        text = _ACCENT_RE.sub(_accent, text)
        text = _FRAC_DIGITS_RE.sub(r" \1/\2 ", _FRAC_RE.sub(_fraction, text))
        text = _ORDER_ROOT_RE.sub(r" √[\1](\2) ", text)
        text = _SQRT_RE.sub(_root, text)
    text = _COMMAND_RE.sub(_command, text)
    if "\\" in text:
        raise Refusal("formula", "LaTeX")
    return text
