"""Units after a number: 75°F, 62.4 lb/ft^3, 20 Btu/hr-ft-°F, 5 kmol/m^3, 50 m/s."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import lru_cache

from pipeline.text.money import ARTICLE_RE, NOT_NOUN, NOUN_RE
from pipeline.text.numbers import NUMBER, compound, fraction, number, ordinal

_PLAIN = """
m meter; cm centimeter; mm millimeter; km kilometer; nm nanometer; um micrometer; μm micrometer; pm picometer;
dm decimeter; fm femtometer; ft foot feet; in inch inches; yd yard; yds yard; mi mile; Å angstrom; A° angstrom;
kg kilogram; kgs kilogram; g gram; gm gram; gms gram; mg milligram; μg microgram; ug microgram; mcg microgram;
ng nanogram; lb pound;
lbs pound; lbm pound; lbf pound-force =; oz ounce; amu atomic~mass~unit; Da dalton; kDa kilodalton; slug slug;
slugs slug;
s second; sec second; secs second; ms millisecond; msec millisecond; μs microsecond; μsec microsecond; ns nanosecond;
nsec nanosecond; ps picosecond; min minute;
mins minute; hr hour; hrs hour; h hour; yr year; yrs year; wk week; wks week; mo month;
L liter; l liter; mL milliliter; ml milliliter; dL deciliter; dl deciliter; μL microliter; μl microliter;
cc cubic~centimeter; gal gallon; qt quart; pt pint; cl centiliter;
mol mole; mole mole; moles mole; mmol millimole; kmol kilomole; kgmole kilogram~mole; lbmole pound~mole;
lbmol pound~mole; gmole gram~mole; μmol micromole; nmol nanomole;
mM millimolar =; μM micromolar =; nM nanomolar =; M molar =; N newton; Nm newton~meter;
kN kilonewton; mN millinewton; MN meganewton;
dyne dyne; dynes dyne; dyn dyne; kgf kilogram-force =;
J joule; kJ kilojoule; MJ megajoule; GJ gigajoule; mJ millijoule; kj kilojoule; erg erg; ergs erg; cal calorie;
kcal kilocalorie; Cal calorie; Kcal kilocalorie; Btu BTU; BTU BTU; btu BTU;
eV electron~volt; ev electron~volt; keV kiloelectron~volt; MeV million~electron~volt; Mev million~electron~volt;
GeV billion~electron~volt; meV millielectron~volt;
W watt; kW kilowatt; kw kilowatt; MW megawatt; mW milliwatt; GW gigawatt; μW microwatt; hp horsepower =;
HP horsepower =; kWh kilowatt-hour; kwh kilowatt-hour; Wh watt-hour; kva kilovolt-ampere; kVA kilovolt-ampere;
kVAR kilovar; kvar kilovar; VA volt-ampere; VAR var;
Pa pascal; kPa kilopascal; MPa megapascal; GPa gigapascal; kpa kilopascal; atm atmosphere; atmos atmosphere; bar bar;
bars bar; mbar millibar; torr torr =; Torr torr =;
mmHg millimeter~of~mercury millimeters~of~mercury; psi PSI =; psia PSI~absolute =;
psig PSI~gauge =; psf pound~per~square~foot; ksi KSI =; inHg inch~of~mercury inches~of~mercury;
V volt; kV kilovolt; mV millivolt; MV megavolt; μV microvolt; v volt; kv kilovolt; A ampere; mA milliampere;
μA microampere; amp amp; amps amp; nA nanoampere; ampere ampere; amperes ampere;
Ω ohm; kΩ kilohm; MΩ megohm; ohm ohm; ohms ohm; mΩ milliohm; F farad; μF microfarad; mF millifarad; uF microfarad;
pF picofarad; nF nanofarad; mfd microfarad; H henry henries;
mH millihenry millihenries; μH microhenry microhenries;
C coulomb; μC microcoulomb; mC millicoulomb; nC nanocoulomb; pC picocoulomb; T tesla; mT millitesla; Wb weber;
G gauss =; K kelvin =; mho mho; mhos mho; S siemens =; dB decibel; db decibel;
Hz hertz =; kHz kilohertz =; KHz kilohertz =; MHz megahertz =; GHz gigahertz =; THz terahertz =; rpm RPM =;
RPM RPM =; rps revolution~per~second revolutions~per~second; rev revolution; rad radian; mrad milliradian;
mph mile~per~hour miles~per~hour; MPH mile~per~hour miles~per~hour; kph kilometer~per~hour kilometers~per~hour;
kmh kilometer~per~hour kilometers~per~hour; km/h kilometer~per~hour kilometers~per~hour;
fps foot~per~second feet~per~second; mpg mile~per~gallon miles~per~gallon;
cfm cubic~foot~per~minute cubic~feet~per~minute; gpm gallon~per~minute gallons~per~minute;
cfs cubic~foot~per~second cubic~feet~per~second; wpm word~per~minute words~per~minute;
KB kilobyte; MB megabyte; GB gigabyte; TB terabyte; kB kilobyte; Mbps megabit~per~second megabits~per~second;
Gbps gigabit~per~second gigabits~per~second; kbps kilobit~per~second kilobits~per~second;
Kbps kilobit~per~second kilobits~per~second; bps bit~per~second bits~per~second; bit bit; bits bit; byte byte;
bytes byte; Mb megabit; Gb gigabit; kb kilobase; bp base~pair;
ppm part~per~million parts~per~million; ppb part~per~billion parts~per~billion; IU international~unit;
mEq milliequivalent; meq milliequivalent; Ci curie; mCi millicurie; Bq becquerel; Gy gray; Sv sievert; cd candela =;
lm lumen; lx lux =; cm³ cubic~centimeter; cP centipoise =; cp centipoise =; poise poise =; deg degree; degree degree;
degrees degree; kt knot; kts knot;
°C degree~Celsius degrees~Celsius; °F degree~Fahrenheit degrees~Fahrenheit; °R degree~Rankine degrees~Rankine;
°K kelvin =; ° degree; °c degree~Celsius degrees~Celsius; °f degree~Fahrenheit degrees~Fahrenheit;
degC degree~Celsius degrees~Celsius; degF degree~Fahrenheit degrees~Fahrenheit; R degree~Rankine degrees~Rankine;
acre acre; acres acre; mile mile; miles mile; hour hour; hours hour; second second; seconds second; minute minute;
minutes minute; foot foot feet; feet foot feet; meter meter; meters meter; metre meter; gram gram; grams gram;
liter liter; liters liter; litre liter; pound pound; pounds pound; inch inch inches; inches inch inches; joule joule;
joules joule; watt watt; watts watt; volt volt; volts volt; newton newton; newtons newton; kelvin kelvin =;
gallon gallon; gallons gallon; day day; days day; week week; year year; years year; month month; calorie calorie;
calories calorie; degree degree; unit unit; units unit; kilogram kilogram; kilograms kilogram; centimeter centimeter;
centimeters centimeter; cycle cycle; cycles cycle; turn turn; turns turn; line line; person person people;
people person people; student student; item item; ounce ounce; ounces ounce; km² square~kilometer
"""


def _table() -> dict[str, tuple[str, str]]:
    table = {}
    for entry in _PLAIN.replace("\n", " ").split(";"):
        symbol, one, *many = entry.split()
        plural = many[0] if many else one + "s"
        table[symbol] = (one.replace("~", " "), (one if plural == "=" else plural).replace("~", " "))
    for symbol in ("Btu", "BTU", "btu"):
        table[symbol] = ("BTU", "BTUs")
    for symbol in ("lb_m", "lb_f"):
        table[symbol] = table[symbol.replace("_", "")]
    table["mm Hg"] = ("millimeter of mercury", "millimeters of mercury")
    table["in Hg"] = table["in. Hg"] = ("inch of mercury", "inches of mercury")
    table["lb mole"] = table["lb-mole"] = table["lb mol"] = ("pound mole", "pound moles")
    table["Mpa"], table["KPa"], table["KV"] = table["MPa"], table["kPa"], table["kV"]
    for symbol in ("cm³", "km²", "km/h"):
        del table[symbol]
    return table


UNITS = _table()
# Capital letters and short words that are also names, articles, prepositions: only units when nothing argues against.
_AMBIGUOUS = frozenset("A C F H T G K M N L S R V W J h m g s l v in h min bar line unit item person R mo pt cd mi "
    "gal cal rad kt S turn rev day bit".split()) - {
    "min", "cal", "gal", "mi", "rad", "day", "bit", "m", "g", "s", "rev"}  # fmt: skip
_LONG = frozenset(symbol for symbol, (one, many) in UNITS.items() if symbol.isalpha() and symbol in (one, many))
_BY_LENGTH = sorted(UNITS, key=lambda s: (-len(s), s))
_SYMBOL = "(?:" + "|".join(re.escape(s) for s in _BY_LENGTH) + ")"
_POWER = r"(?:\s?\^\s?\{?\s?(?:-\s?)?\d\s?\}?)"
_END = r"(?![A-Za-z°μΩ_])"
_FACTOR = rf"{_SYMBOL}\.?{_END}(?:{_POWER}(?!\s?/\s?\d)|(?!\s?\^))"
# Factors apart by a mere space: only symbols that are no English words, single letters only with a power.
_SPACED = rf"(?:(?:mol|mole|kg|sec|hr|ft|cm|mm|km|kmol|°C|°F|°K|atm|kJ|gm|lb|mL)\.?{_END}{_POWER}?|[msKgAVNJW]{_POWER})"
_JOINED = rf"{_FACTOR}(?:\s?[-·*]\s?{_FACTOR}|°[CFRK]{_END}|(?<![a-z]{{4}})\s{_SPACED})*"
_OVER = rf"\s?/\s?\(?{_JOINED}\)?"
_EXPRESSION = rf"{_JOINED}(?:{_OVER}){{0,4}}"
_SCIENTIFIC = rf"(?:(?:{NUMBER})\s?[×x*·]\s?)?10\s?\^\s?(?:\{{\s?-?\s?\d+\s?\}}|-?\s?\d+)"
_SPLIT = r"(?:\d+[\s-])?\(?\d{1,2}\s?/\s?\d{1,2}\)?"
_VALUE = rf"{_SCIENTIFIC}|{_SPLIT}|{NUMBER}"
_SQUARE = r"(?:(?:sq|cu)\.?\s?(?:ft|in|m|mi|yd|cm|km)\b\.?)"
_MEASURE_RE = re.compile(
    rf"(?<![\w.,$^_])(?P<value>{_VALUE})(?P<gap>\s?-?\s?)(?P<unit>{_SQUARE}|{_EXPRESSION})(?P<after>(?=(.?.?)))"
)
_UNIT_WORDS = "|".join(
    sorted({one.replace(" ", r"\s") for one, _ in UNITS.values() if " " not in one}, key=len, reverse=True)
)
_PER_RE = re.compile(
    r"(?P<left>\b[A-Za-z]+|\))\s?/\s?(?P<right>hour|hr|h|minute|min|second|sec|s|day|week|wk|month|mo|year|yr|gallon"
    r"|gal|mile|mi|pound|lb|"
    r"person|ounce|oz|item|kilogram|kg|liter|litre|gram|foot|ft|kilometer|km|meter|unit|share|piece|student|lesson|"
    r"bag|box|tile|watt|"
    r"kilowatt-hour|kwh|kWh|dozen|acre|night|ticket|hectare|bushel|barrel|mole|mol|degree|kelvin|game|page|head|"
    r"capita|cup|serving|round|visit|ton)\b\.?(?!\w)"
)
# A rate that is a bare number: pulse 80/min.
_RATE_RE = re.compile(
    rf"(?<![\w/.])({NUMBER})\s?/\s?(min|minute|hr|h|hour|sec|second|day|week|month|yr|year)\b(?!\s?[/^-])"
)
_PRESSURE_RE = re.compile(
    r"(?<![\d/.])(\d{2,3})\s?/\s?(\d{2,3})\s?mm\s?Hg\b|(?i:(?<=blood pressure is )|(?<=blood pressure of )|"
    r"(?<=blood pressure )|(?<=\bBP ))(\d{2,3})\s?/\s?(\d{2,3})\b"
)
_SPAN_RE = re.compile(rf"(?<![\w.,=+*/^(×-])(?<![=+*/^(×-]\s)({NUMBER})\s?[-–]\s?({NUMBER})(?=\s?(?:{_SYMBOL}){_END})")
# Factors of a unit that only a space parts: 6 J s, 2 N m s.
_APART_RE = re.compile(r"(?<=\d)(\s?)(N|J|W|V|A|C|kg|eV|kJ)\s([ms])(?:\s(s))?(?=\s?(?:$|[.,;?!)]))")
_TWICE_RE = re.compile(r"(pounds? per square inch),?\s+\(?(?:psi|PSI)\b\)?")
_ANGLE_RE = re.compile(rf"(\d+)\s?°\s?({NUMBER})\s?'(?!')(?:\s?({NUMBER})\s?(?:\"|''))?")
_BARE_PER_RE = re.compile(rf"\b(per )((?:{_SYMBOL}){_END}{_POWER})")
_IN_BRACKETS_RE = re.compile(rf"(?<![\w.])((?:{_SCIENTIFIC})|{NUMBER})\s?[(\[]\s?({_EXPRESSION})\s?[)\]]")
_INVERSE_RE = re.compile(rf"(?<=[a-z])\s+[·*]?\s?({_SYMBOL})\s?\^\s?\{{?\s?-\s?(\d)\s?\}}?")
_FACTOR_RE = re.compile(rf"({_SYMBOL})\.?{_END}(?:\s?\^\s?\{{?\s?(-?)\s?(\d)\s?\}}?)?")
_POWER_NAME = {"2": "squared", "3": "cubed", "4": "to the fourth", "5": "to the fifth", "6": "to the sixth"}
_AREA_NAME = {"2": "square", "3": "cubic"}
_LENGTHS = ("meter", "foot", "feet", "inch", "mile", "yard", "angstrom")


@lru_cache(maxsize=20_000)
def _factor(symbol: str, power: str, plural: bool) -> str:
    said = UNITS[symbol][plural]
    if not power or power == "1":
        return said
    if power in _AREA_NAME and any(length in said for length in _LENGTHS) and "per" not in said:
        return f"{_AREA_NAME[power]} {said}"
    return f"{said} {_POWER_NAME.get(power, 'to the power of ' + power)}"


@lru_cache(maxsize=20_000)
def unit(expression: str, plural: bool) -> str:
    """A unit's symbol(s) in words: `ft/sec` -> `feet per second`."""
    square = re.match(r"(sq|cu)\.?\s?(\w+)", expression)
    if square:
        return f"{'square' if square[1] == 'sq' else 'cubic'} {UNITS[square[2]][plural]}"
    top, *bottoms = expression.split("/")
    above: list[tuple[str, str]] = []
    below: list[tuple[str, str]] = []
    for symbol, minus, power in _FACTOR_RE.findall(top):
        (below if minus else above).append((symbol, power))
    for bottom in bottoms:
        for symbol, minus, power in _FACTOR_RE.findall(bottom):
            (above if minus else below).append((symbol, power))
    said = [_factor(symbol, power, plural and i == len(above) - 1) for i, (symbol, power) in enumerate(above)]
    said += [f"per {_factor(symbol, power, False)}" for symbol, power in below]
    return " ".join(said)


def _value(text: str) -> str:
    """The value of a measure in words, whichever way it is written."""
    if "^" in text:
        top, power = re.split(r"10\s?\^", text)
        top = re.sub(r"[×x*·\s]", "", top)
        exponent = int(re.sub(r"[{}\s]", "", power))
        said = f"ten to the {ordinal(exponent) if exponent >= 0 else number(str(-exponent)).join(('minus ', ''))}"
        return f"{number(top)} times {said}" if top else said
    if "/" in text:
        split = re.fullmatch(r"(?:(\d+)[\s-])?\(?(\d+)\s?/\s?(\d+)\)?", text)
        return fraction(int(split[2]), int(split[3]), split[1]) + ("" if split[1] else " of a") if split else text
    return number(text)


def _stands_alone(symbol: str, gap: str, rest: str, value: str) -> bool:
    """Whether an ambiguous symbol after a number (`5 A`, `3 in`, `2 h`) is a unit, by what follows it."""
    if symbol == "in":
        if rest.startswith("."):
            return True
        return bool(
            re.match(
                r"\s?(?:$|[,;:?!)×x]\s?|by\b|\.(?:\s|$)|long|wide|high|thick|deep|tall|diameter|in\b|"
                r"and\b)",
                rest.lstrip(),
            )
        )
    if symbol in {"person", "line", "unit", "item", "turn", "bar"}:
        return True
    if "-" in gap and symbol in "ACHT":
        return False
    if rest.lstrip().startswith("&"):
        return False
    if re.match(r"'|-\w|\s?=|\s?\(?\d", rest) or (
        re.match(r"\s(?!(?:is|as|was|has|flows|passes|acts)\b)[A-Z]?[a-z]+s\b", rest) and symbol in "ACFHTS"
    ):
        return False
    if symbol in "ACFHTGSRhv":
        return bool(
            re.match(
                r"\s?(?:$|[.,;:?!)\]])|\s(?:of|at|and|to|is|in|from|through|when|for|with|on|by|or|are|"
                r"if|acts?|flows?|the)\b",
                rest,
            )
        )
    return True


# What a measure before it only describes: a 75 gram block, 100 watt bulbs.
_THINGS = frozenset(
    "block blocks cube cubes ball balls bulb bulbs container containers resistor resistors bullet bullets sample "
    "samples object objects weight weights bag bags bottle bottles battery batteries source sources".split()
)


def _measure(m: re.Match[str]) -> str:
    value, gap, expression = m["value"], m["gap"], m["unit"].strip()
    rest = m.string[m.end("unit") :]
    bare = expression.rstrip(".")
    stop = ""
    if expression.endswith("."):
        stop = (
            "."
            if bare in _LONG
            or (re.match(r"\s*$|\s+[A-Z][a-z]*\b(?!\.)", rest) and not re.match(r"\s+(?:ID|OD|I|O)\b", rest))
            else ""
        )
        rest = "." + rest
    if bare in _AMBIGUOUS and not _stands_alone(bare, gap, rest, value):
        return m[0]
    if gap.strip() == "-" and bare in _LONG:
        return m[0] if "/" in value else f" {compound(_value(value), bare)}{stop}"
    adjective = gap.strip() == "-"
    split = re.fullmatch(r"\(?\d+\s?/\s?\d+\)?", value)
    if adjective and split:
        return m[0]
    noun = NOUN_RE.match(m.string[m.end("unit") :])
    before_noun = bool(
        noun
        and ARTICLE_RE.search(m.string[: m.start()][-14:])
        and noun[1] not in NOT_NOUN
        and not noun[1].endswith("ly")
    )
    before_noun = before_noun or bool(noun and noun[1] in _THINGS)
    plural = (
        not adjective
        and not before_noun
        and not split
        and value.replace(",", "") != "1"
        and not re.match(r"\s?(?:%|percent)", rest)
    )
    words = unit(bare, plural)
    return f" {_value(value)}{'n' if split and words[0] in 'aeiou' else ''} {words}{stop} "


def _pressure(m: re.Match[str]) -> str:
    if m[1]:
        return f" {number(m[1])} over {number(m[2])} millimeters of mercury "
    return f" {number(m[3])} over {number(m[4])} "


def _span(m: re.Match[str]) -> str:
    rising = float(m[1].replace(",", "")) < float(m[2].replace(",", ""))
    return f"{m[1]} to {m[2]}" if rising else m[0]


def _angle(m: re.Match[str]) -> str:
    seconds = f" {number(m[3])} seconds" if m[3] else ""
    return f" {number(m[1])} degrees {number(m[2])} minutes{seconds} "


def say_units(text: str) -> str:
    """Measures (a number and its unit) and `per` units in words."""
    if any(c.isdigit() for c in text):
        text = _ANGLE_RE.sub(_angle, text)
        text = re.sub(r"(?<=\d)\s?r\s?/\s?min\b", " rpm", re.sub(r"(?<=[Ω\w])\s?/\s?ph\b", " per phase", text))
        text = _PRESSURE_RE.sub(_pressure, text)
        text = _RATE_RE.sub(lambda m: f" {number(m[1])} per {UNITS.get(m[2], (m[2],))[0]} ", text)
        text = re.sub(r"(?<=\d )k (?=cal\b|J\b)", "k", text)
        text = _APART_RE.sub(lambda m: f"{m[1]}{m[2]}·{m[3]}" + (f"·{m[4]}" if m[4] else ""), text)
        # Powers of ten that lost their superscript: 10- 7sec, × 10-19.
        text = re.sub(
            r"(?<![\d.,])10-\s(\d{1,2})(?=\s?[A-Za-zμΩ°])|(?:(?<=[×x])|(?<=[×x] ))10\s?-\s?(\d{1,2})(?!\d)",
            lambda m: f"10^-{m[1] or m[2]}",
            text,
        )
        text = re.sub(r"(?<=\d)'(?=\s?[x×X]\s?\d|\s?\d+\")", " feet ", text)
        text = text.replace("m.p.h.", "mph")
        text = re.sub(rf"({NUMBER})\s?°\s?([CFRK])\b", r"\1 °\2", text)
        text = re.sub(rf"({NUMBER})\s?\^\s?\{{?\s?°\s?\}}?\s?([CFRK])\b", r"\1 °\2", text)
        text = re.sub(r"(\d)\s?degrees?\s([CF])\b", r"\1 °\2", text)
        text = re.sub(r"(?<=\d)(\"|'')(?=[\s,.x×)-]|$)", " inches", text)
        text = re.sub(r"(?<=\d)\.\s(?=°|[NJVWK]\s?(?:m|/|\^))", " ", text)
        text = _IN_BRACKETS_RE.sub(r"\1 \2", text)
        text = _MEASURE_RE.sub(_measure, _SPAN_RE.sub(_span, text))
        if "^" in text:
            text = _INVERSE_RE.sub(lambda m: f" per {_factor(m[1], m[2], False)} ", text)
        if "per " in text:
            text = _BARE_PER_RE.sub(lambda m: m[1] + unit(m[2], False) + " ", text)
    text = _TWICE_RE.sub(r"\1", text)
    if "/" in text:
        text = _PER_RE.sub(_per, text)
    if "°" in text:
        text = re.sub(r"°\s?([CFRK])\b", lambda m: f" {UNITS['°' + m[1]][1]} ", text)
    return text


def _per(m: re.Match[str]) -> str:
    right = m["right"]
    said = UNITS[right][0] if right in UNITS else right
    left = m["left"]
    if left in UNITS and left not in _LONG and len(left) > 1:
        left = UNITS[left][1]
    ends = m[0].endswith(".") and (right in _LONG or re.match(r"\s*$|\s+[A-Z]", m.string[m.end() :]))
    return f"{left} per {said}" + ("." if ends else "")
