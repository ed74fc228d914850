"""Every unit and every spelling that charts may use is understood: none gets lost when the table is edited."""

from __future__ import annotations

import pytest

from cds_service.facts.units import UNITS, unit_of

UNITS_OF: dict[str, str] = {
    "mass": "kg g mg ug ng pg [lb_av]",
    "substance": "mol mmol umol nmol pmol fmol",
    "charge": "eq meq ueq",
    "activity": "kU U mU uU ukat nkat",
    "arbitrary": "k[IU] [IU] m[IU] u[IU]",
    "count": "10*3 10*6 10*9 10*12",
    "volume": "L dL mL uL l dl ml m3",
    "time": "wk d (24.h) h min s ms",
    "length": "m cm mm",
    "pressure": "mm[Hg]",
    "score": "{score}",
    "pH": "[pH]",
    "temperature": "Cel",
    "fraction": "1 % L/L l/l",
}
QUOTIENTS = """
mg/L | mmol/L | meq/L | U/L | [IU]/L | 10*9/L | mg/d | mmol/d | meq/d | mL/d
mg/g | mmol/mol | mg/mol | /min | /wk | mL/min/{1.73_m2} | kg/m2 | mosm/kg | mmol/kg
"""
SPELLINGS = """
Eq=eq | mEq=meq | uEq=ueq | µeq=ueq | µEq=ueq | µg=ug | μg=ug | mcg=ug | µmol=umol | μmol=umol | IU=[IU]
mIU=m[IU] | uIU=u[IU] | µIU=u[IU] | μIU=u[IU] | kIU=k[IU] | µU=uU | μU=uU | mcU=uU | µL=uL | μL=uL | µl=uL
μl=uL | 24h=(24.h) | 24.h=(24.h) | 24 h=(24.h) | 24hr=(24.h) | 24 hr=(24.h) | 24 uur=(24.h) | day=(24.h)
dag=(24.h) | 10^3=10*3 | 10E3=10*3 | 10^6=10*6 | 10E6=10*6 | 10^9=10*9 | 10E9=10*9 | 10^12=10*12
10E12=10*12 | {index}=1 | {ratio}=1 | kg/m²=kg/m2 | kg/m^2=kg/m2 | mmHg=mm[Hg] | msec=ms | weeks=wk | pH=[pH]
mOsm/kg=mosm/kg | {beats}/min=/min | beats/min=/min | bpm=/min | {breaths}/min=/min | {#}/d=/d | # per day=/d
{drinks}/d=/d | {drinks}/wk=/wk | {#}/wk=/wk | mg/g{creat}=mg/g | ug/mg{creat}=ug/mg | mg/mg{creat}=mg/mg
lb=[lb_av] | lbs=[lb_av] | mg/mmol{creat}=mg/mmol | mmol/mmol{creat}=mmol/mmol | mmol/mol{Hb}=mmol/mol
"""
CLEARANCES = """
mL/min/1.73.m2 | mL/min/1.73m2 | mL/min/1.73 m2 | mL/min/1.73m² | mL/min/1.73 m² | mL/min/1.73m^2
mL/min/1.73_m2 | mL/min/{1.73m2} | mL/min/{1.73}m2 | mL/min/1.73/m2 | mL/min/1,73m2 | mL/min/1,73 m2
mL/min/1,73m² | mL/min/1,73 m² | mL/min/1,73.m2 | ml/min/1.73.m2 | ml/min/{1.73_m2}
"""


def items(text: str) -> list[str]:
    """What stands between bars and line ends."""
    return [item.strip() for line in text.splitlines() for item in line.split("|") if item.strip()]


@pytest.mark.parametrize(("of", "texts"), UNITS_OF.items())
def test_every_unit_measures_what_it_is_for(of: str, texts: str) -> None:
    assert {text: UNITS[text].of for text in texts.split()} == dict.fromkeys(texts.split(), of)


@pytest.mark.parametrize("text", items(QUOTIENTS))
def test_every_kind_of_quotient_is_known(text: str) -> None:
    assert unit_of(text) is not None


@pytest.mark.parametrize("pair", items(SPELLINGS))
def test_every_spelling_is_the_unit_it_stands_for(pair: str) -> None:
    spelling, _, unit = pair.partition("=")
    assert unit_of(spelling) == UNITS[unit]


@pytest.mark.parametrize("text", items(CLEARANCES))
def test_every_spelling_of_clearance_per_surface_is_one_unit(text: str) -> None:
    assert unit_of(text) == UNITS["mL/min/{1.73_m2}"]
