# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What places of care are called in English; `patterns.py` puts them into its table, `hospitals.py` has the Chinese ones."""

from __future__ import annotations

import re

from pulsemind.data.kinds import Row
from pulsemind.data.known_names import is_ordinary
from pulsemind.data.wordlists import words

_HOSPITAL_WORD = (
    r"(?:(?:St|Ste|Mt|Ft)\.|[A-ZÀ-Þ][A-Za-zÀ-ÿ'’]*(?:-[A-ZÀ-Þ][A-Za-zÀ-ÿ]+)*|&|and|of|the|at)"
)
_HOSPITAL_EN = (
    r"Bone\s+(?:&|and)\s+Joint(?:\s+(?:Clinic|Centre|Center|Institute|Group|Associates))?|(?:Assessment|Wellbeing|Hyperbaric|Endoscopy|Screening|Vaccination|Testing|Ambulatory|Kidney|Liver|Lung|Chest|Brain|Autism|Sports|Research|Surgery|Surgical|Emergency|Referral|Resource|Hearing|Eye|Heart|Cancer|Health|Medical|Birth|Wound|Vein|Foot|Hand|Back|Blood|Plasma|Donor|Donation|Dementia|Respite|Early\s+Years|Walk-in|Drop-in|Minor\s+Injur(?:y|ies)|Out-?of-?[Hh]ours)\s+(?:Cent(?:er|re)|Clinic|Hub|Tower|Pavilion|Building|Plaza|Park|House|Point|Station|Suite|Service|Campus|Village)|Surgi-?[Cc]ent(?:er|re)|Medi-?[Cc]ent(?:er|re)|Med(?:ical)?\s?[Cc]tr\.?|Retirement\s+(?:Village|Home|Community)|Convalescent(?:\s+(?:Home|Hospital))?|Sanitarium|Asylum|Priory|Health\s+Post|Ambulance(?:\s+(?:Service|Station|Trust))?|Home\s+(?:Health(?:\s?[Cc]are)?|Care)|Homecare|Visiting\s+Nurses?|Community\s+Nursing|District\s+Nursing|Medical\s+(?:Plaza|Park|Arts|Office)|Family\s+(?:Medicine|Doctors?|Physicians)|Primary\s+Care|Internal\s+Medicine|Hospitals?|Institute|(?:Women['’]s|Men['’]s|Family|Behaviou?ral|Mental|Community|Sexual|Public|Children['’]s)\s+Health|(?:Medical|Cancer|Heart|Surgery|Surgical|Health(?:care)?|Orthop(?:a)?edics?|Eye|Dental|Dialysis|Renal|Imaging|Diagnostic|Rehab(?:ilitation)?|Wellness|Care|Birth|Birthing|Fertility|Spine|Pain|Sleep|Stroke|Trauma|Burns?|Wound|Infusion|Women['’]s|Children['’]s|P(?:a)?ediatric|Community|Nursing|Treatment|Recovery|Counsel+ing|Psychiatric|Maternity|Radiology|Vascular|Cardiac|Hearing|Vision|Laser|Skin|Allergy|Family)\s+(?:Cent(?:er|re)|Institute|Group|Associates|Unit)"
    r"|Clinics?|Polyclinic|Infirmary|Hospice|(?:Nursing|Care|Rest|Residential)\s+(?:Home|Facility|Centre|Center)|(?:Skilled\s+)?Nursing(?:\s+(?:and|&)\s+\w+)?\s+(?:Facility|Center|Centre|Home)|Rehabilitation(?:\s+(?:Center|Centre|Hospital|Facility))?|Assisted\s+Living|Memory\s+Care|Health\s+System|Healthcare|(?:Medical|Family|Group|Dental|GP|Eye|P(?:a)?ediatric|Veterinary)\s+(?:Practice|Surgery|Clinic|Group|Associates)|Surgery|Practice|Health\s+(?:Centre|Center|Board|Trust|Service|Network|Partners)|Urgent\s+Care|Walk-[Ii]n(?:\s+Centre)?|Pharmacy|Apothecary|Chemists?|Drugstore|Drugs|Opticians?|Laborator(?:y|ies)|Labs|Diagnostics|Associates|Partners|Consultants|Specialists|Physicians|Unit|Lodge|Manor|Imaging|Radiology|Dermatology|Cardiology|Oncology|Orthop(?:a)?edics|Obstetrics|P(?:a)?ediatrics|Urology|Neurology|Dentistry|Dental(?:\s+Care)?|Physiotherapy|Medicine|Legesenter|Krankenhaus|Klinik(?:um)?|Sanatorium|Maternity|NHS(?:\s+Foundation)?(?:\s+Trust)?|Foundation\s+Trust|Hôpital|Ziekenhuis|Sjukhus|Nursing\s+School|Dispensary|Birthing\s+Center|Blood\s+Bank|Day\s+Surgery|Rx|Counsel+ing|Therapy|Psychology|Psychiatry|Wellness|Hospitalists?|Eyecare|Eye\s+Care|Chiropractic|Podiatry|Audiology|Optometry|Physical\s+Therapy|Physio|Dialysis|Fertility|IVF|Hospice|Haven|Almshouses?|Day\s+Cent(?:er|re)|Senior\s+(?:Living|Center|Centre)|Eldercare|Midwives|Midwifery|Birth\s+Cent(?:er|re)|Compounding|Prescriptions|Dental|Smiles|Orthodontics|Endodontics|Oral\s+Surgery|Vet(?:erinary)?(?:\s+(?:Clinic|Hospital|Practice))?|Poliklinik|Policlinic[oa]?|Clínica|Ospedale|Szpital|Nemocnice|Kórház|Sairaala|Hastanesi"
)
_PLACE_WORDS = frozenset(re.findall(r"[A-Z]\w+", _HOSPITAL_EN))
_WEAK_KINDS = frozenset(
    [
        "Surgery",
        "Practice",
        "Medicine",
        "Dermatology",
        "Cardiology",
        "Oncology",
        "Orthopedics",
        "Orthopaedics",
        "Obstetrics",
        "Pediatrics",
        "Paediatrics",
        "Urology",
        "Neurology",
        "Dentistry",
        "Radiology",
        "Imaging",
        "Labs",
        "Drugs",
        "Dental",
        "Care",
        "Diagnostics",
        "Haven",
        "Counseling",
        "Counselling",
        "Therapy",
        "Psychology",
        "Psychiatry",
        "Wellness",
        "Hospitalist",
        "Hospitalists",
        "Dialysis",
        "Fertility",
        "Physio",
        "Prescriptions",
        "Compounding",
        "Audiology",
        "Podiatry",
        "Optometry",
        "Orthodontics",
        "Endodontics",
        "Eyecare",
        "Midwives",
        "Midwifery",
        "Chiropractic",
        "Smiles",
        "Maternity",
        "Associates",
        "Group",
        "Unit",
        "Living",
        "Partners",
        "Consultants",
        "Specialists",
        "Physicians",
        "Lodge",
        "Manor",
    ]
)
"""Names of places as well as of fields: a word beside them must be of no ordinary language."""
_CLINICAL_HEADS = frozenset(
    [
        "The",
        "A",
        "An",
        "At",
        "In",
        "On",
        "To",
        "From",
        "My",
        "Your",
        "Our",
        "This",
        "That",
        "Any",
        "Every",
        "Each",
        "Local",
        "General",
        "Same",
        "Pain",
        "Fever",
        "Sleep",
        "Eye",
        "Heart",
        "Outpatient",
        "Walk-in",
        "Emergency",
        "Teaching",
        "Nearest",
        "Public",
        "Private",
    ]
)


def _hospital_en(value: str) -> bool:
    """Whether one of its words is none of everyday and medical language."""
    proper = [
        word
        for word in re.findall(r"[A-ZÀ-Þ][\w'’-]*", value)
        if word not in _CLINICAL_HEADS
        and word not in words("clinics_en.txt")
        and word not in _PLACE_WORDS
    ]
    weak = value.split()[-1] in _WEAK_KINDS
    long = len(value.split()) > 2
    return any(not weak or long or not is_ordinary(word) for word in proper)


def _is_a_shop_somewhere(value: str) -> bool:
    """Whether a chain's name has a place behind it that is no ordinary word."""
    return (
        not is_ordinary(value.split()[-1]) or " on " in value or " in " in value or " at " in value
    )


PLACES: tuple[Row, ...] = (
    ("hospital", r"\b(?:Royal\s+(?:Free|Marsden|Brompton|London|Papworth|Victoria|Infirmary|Surrey|Sussex|Devon|Derby|Stoke|Preston|Blackburn|Oldham|Bolton)|Guy['’]s(?:\s+(?:and|&)\s+St\.?\s+Thomas['’]?)?|Addenbrooke['’]?s|Papworth|John\s+Radcliffe|Barts|Great\s+Ormond\s+Street|GOSH|UCLH|MGH|Mass\s+General|Brigham\s+and\s+Women['’]s|Beth\s+Israel|NewYork-Presbyterian|Cedars?[\s-]Sinai|Montefiore|Northwell|Geisinger|Ochsner|Dignity\s+Health|Intermountain|Kaiser\s+Permanente)(?:\s+(?!on\b|in\b|at\b)[A-Z][a-z]+){0,2}\b(?!\s+(?:score|criteria|scale))"),
    ("hospital", r"\b(?:Spire|Nuffield\s+Health|BMI|Bupa|Ramsay|Circle|HCA|Sutter|Ascension|Providence|Advocate|Banner|Baptist|Methodist|Presbyterian|Lutheran|Adventist|Mercy|Trinity|Sacred\s+Heart|Holy\s+(?:Cross|Family|Spirit)|Good\s+Samaritan|Mount\s+Carmel|St\.?\s+[A-Z][a-z]+['’]?s?)\s+(?:[A-Z][a-z]+\s?(?:East|West|North|South)?)(?=\s*(?:[,.;)]|$|\n|(?:for|on|in|last|and|yesterday|today|ED|ER|after|because|where|with|says|said)\b))(?<!Hunt)(?<!Score)"),
    ("hospital", r"\b(?:Walgreens|CVS|Rite\s+Aid|Boots|Lloyds\s?[Pp]harmacy|Superdrug|Duane\s+Reade|Shoppers\s+Drug\s+Mart|Chemist\s+Warehouse|Kroger|Walmart|Costco|Tesco|Asda|Publix|Safeway|Target|Well|Rowlands|Jhoots|Day\s+Lewis)(?:\s+[Pp]harmacy)?,?\s+(?:(?:on|in|at)\s+)?(?P<place>(?!Pharmacy|Dr|Mr|Mrs|Ms|Please|Last)[A-Z][a-z]+(?:\s+(?:St|Street|Ave|Avenue|Road|Rd|Lane|Blvd|High\s+Street|[A-Z][a-z]+))?)(?=\s*(?:[,.;)]|$|\n|re\b|called|rang|to\b|says|said|for\b|and\b|has\b|is\b))", _is_a_shop_somewhere),
    ("hospital", r"\b(?P<v>(?:[A-Z][\w'’]+\s+){1,3}(?:SNF|LTC|ALF|LTACH|Hosp\.?|Med\s?Ctr))(?![\w])", _hospital_en),
    ("hospital", rf"\b(?P<v>(?=[A-ZÀ-Þ])(?:{_HOSPITAL_WORD}\s+){{1,5}}(?:{_HOSPITAL_EN})(?:\s+(?:of|at)\s+(?:[A-Z][a-z]+\s?){{1,3}})?)(?![a-z])", _hospital_en),
    ("hospital", r"\bHM[PY](?:OI)?\s+[A-Z]\w+(?:\s+(?:healthcare|health\s?care|medical)(?:\s+(?:wing|unit|centre|department))?)?"),
    ("hospital", r"\b(?P<v>(?:St|Saint)\.?\s[A-Z]\w+['’]s?(?!\w)(?:\s+(?:General|Royal|Memorial|Regional|University|Children['’]s|Mercy))?(?:\s+(?:Hospital|Infirmary|Hospice))?)(?!\s+(?:[Ww]ort|[Vv]alve|Street|Road|Avenue|Lane))"),
    ("hospital", r"\b(?P<v>(?:[A-Z][\w'’]+\s+){1,3}(?:General|Memorial|Infirmary|Royal|Regional))(?=\s*(?:[,.;)]|$|\n|(?:for|on|in|last|and|yesterday|today|A&E|ED|ER|emergency|since|after|because|where|with)\b))", _hospital_en),
    ("hospital", r"\b(?P<v>(?:University|Royal|National|Queen|King|Children['’]s|General|Institute|Hospital|Hôpital|Hospices?|Klinikum|Clínica|Clinique|Ospedale|Centre\s+Hospitalier)\s+(?:Hospitals?\s+)?(?:of|de|del|di|du|la|el)\s+(?:the\s+)?(?:[A-ZÀ-Þ][\wÀ-ÿ'’-]+\s?){1,4})", _hospital_en),
    ("hospital", r"\b(?:Mount\s+Sinai|Mayo|Cedars-Sinai|Johns\s+Hopkins|(?:UPMC|NYU|UCLA|UCSF|MD\s+Anderson|Kaiser|Sutter|Banner|Mercy|Stanford|Duke|Emory|Vanderbilt|Memorial\s+Sloan[\s-]Kettering)(?:\s+[A-Z][a-z]+){0,2})\b(?!\s+(?:score|scale|criteria|classification|stain|procedure|activity|treadmill))"),
)  # fmt: skip
"""Kind, pattern and check; group `v`, where there is one, is the value."""
