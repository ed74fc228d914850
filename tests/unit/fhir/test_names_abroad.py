"""Names as other countries and lists write them: inverted, German, branded. On the vocabulary as shipped."""

from __future__ import annotations

import pytest

from cds_service.fhir.datatypes import Coding
from cds_service.fhir.read.drugs import drug_names
from tests.shipped import released


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Estrogens, Conjugated (USP) 0.625 MG Oral Tablet", {"conjugated-estrogens"}),
        ("Morphin", {"morphine"}),
        ("Topiramat 25 mg Filmtabletten", {"topiramate"}),
        ("Acetylsalicylsäure 100 mg", {"acetylsalicylic-acid"}),
        ("Kombiglyze XR Tablet 5/500mg", {"metformin", "saxagliptin"}),
        ("Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", {"amoxicillin", "clavulanic-acid"}),
        ("Lisinopril, 10 mg, hydrochlorothiazide", {"lisinopril", "hydrochlorothiazide"}),
        ("multivitamin with minerals", {"multivitamin-mineral-product"}),
        ("Multivitaminen en mineralen tabletten", {"multivitamin-mineral-product"}),
        ("Mg/Al antacid PRN", {"aluminium-hydroxide", "magnesium-hydroxide"}),
        ("Al/Mg hydroxide/simethicone", {"aluminium-hydroxide", "magnesium-hydroxide", "simeticone"}),
        ("multivitamin with minerals and iron", {"multivitamin-mineral-product", "iron-compound"}),
        ("co-magaldrox 195/220 suspension", {"aluminium-hydroxide", "magnesium-hydroxide"}),
        ("calcium carbonate antacid 500 mg", {"calcium-carbonate-antacid"}),
        ("calcium carbonate 500 mg", {"calcium-carbonate"}),
        ("Rennie kauwtablet", {"calcium-carbonate-antacid", "magnesium-carbonate"}),
        ("Epsom salts", {"magnesium-sulfate"}),
        ("carbonyl iron 45 mg", {"iron-compound"}),
        ("Iron bisglycinate", {"iron-compound"}),
        ("mycophenolate 360 mg", {"mycophenolic-acid"}),
        ("polystyrene sulfonate 15 g", {"sodium-polystyrene-sulfonate"}),
        ("sotalolhydrochloride 80 mg", {"sotalol"}),
        ("Flecaïnideacetaat 100 mg tablet", {"flecainide"}),
        ("haloperidoldecanoaat", {"haloperidol"}),
        ("pantoprazolnatriumsesquihydraat", {"pantoprazole"}),
        ("nilotinibhydrochloridemonohydraat 150 mg", {"nilotinib"}),
        ("dinatriumetidronaat", {"etidronate"}),
        ("Citalopramhydrobromid", {"citalopram"}),
        ("esomeprazolmagnesium 20 mg", {"esomeprazole"}),
        ("rosuvastatinecalcium 10 mg", {"rosuvastatin"}),
        (
            "calciumcarbonaat/magnesiumcarbonaat",
            {"calcium-carbonate", "calcium-carbonate-antacid", "magnesium-carbonate"},
        ),
        ("magnesiumstearaat", set()),
        ("kaliumnitraat", set()),
        ("natriumsulfaat", set()),
        ("betamethasondipropionaat creme", set()),
        ("desiccated thyroid 60 mg", {"levothyroxine", "liothyronine"}),
        ("vitamins with food", set()),
        ("morphinelike", set()),
        ("Apricot kernels", set()),
    ],
)
def test_a_name_is_understood_as_it_is_written(text: str, ingredients: set[str]) -> None:
    assert drug_names(released().vocabulary).identify((), text).ingredients == ingredients


@pytest.mark.parametrize(
    ("code", "ingredients"),
    [
        ("J05AX08", {"raltegravir"}),
        ("J05AX11", {"elvitegravir"}),
        ("J05AX12", {"dolutegravir"}),
        ("J05AX65", {"ledipasvir"}),
        ("J05AX69", {"velpatasvir"}),
        ("L01XE03", {"erlotinib"}),
        ("L01XE06", {"dasatinib"}),
        ("L01XE08", {"nilotinib"}),
        ("L01XE11", {"pazopanib"}),
        ("L01XE12", {"vandetanib"}),
        ("L01XE14", {"bosutinib"}),
        ("L01XE45", {"neratinib"}),
        ("L01XE51", {"acalabrutinib"}),
        ("A10BX12", {"empagliflozin"}),
        ("M05BB05", {"alendronate", "calcium-compound", "colecalciferol"}),
        ("M05BB02", {"risedronate", "calcium-compound"}),
        ("M05BB09", {"ibandronate", "colecalciferol"}),
        ("P01BB51", {"proguanil"}),
        ("C09BA01", {"captopril"}),
        ("H03AA05", {"levothyroxine", "liothyronine"}),
    ],
)
def test_a_former_code_and_the_code_of_a_combination_name_the_drug(code: str, ingredients: set[str]) -> None:
    names = drug_names(released().vocabulary)
    assert names.identify((Coding("http://www.whocc.no/atc", code),), "").ingredients == ingredients
