# ruff: noqa: E501 - patterns stand on one line
"""Which words of English text may be names: lists, endings, and what is none (eponyms, drugs, plain words)."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from pulsemind.data.drugs import drugs
from pulsemind.data.english_cues import UP
from pulsemind.data.known_names import family_names, folded, given_names, is_ordinary
from pulsemind.data.wordlists import words

_EPONYM_ZH = re.compile(
    "(?:['’]s)?[ -]?[(（]?(?:[法征氏病术线管斑]|综合|反射|试验|实验|分[级期型类]|评分|细胞|小体|结节|指数|公式|定律|三[联角]|现象|量表|骨折|韧带|手术|标准|染色|淋巴|瘤|呼吸|脉|杂音|疗法|方案|级)"
)
_GRADE_AFTER = re.compile(
    r"[ -](?:I(?=[,.;:)]|$|[级型期度]|[abc]\b)|II{1,2}|IV|VI{0,3}|IX)(?:[abcABC])?(?![A-Za-z.'’])"
)
_KOREAN = rf"[{UP}][a-z]{{1,5}}-[a-z]{{2,5}}"
"""Two syllables of a given name, the second in small letters."""
_SYLLABLE = "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:i?ang|i?ong|u?ang|[iu]?an|[iuü]?e|u?eng|[ui]?en|i?ao|i?ou|u?ai|u?ei|ing|[aeiou]ng|[iu]n|ia|ua|uo|ui|iu|[aeiouü])"
_PINYIN = re.compile(rf"{_SYLLABLE}(?:['-]?{_SYLLABLE})?", re.IGNORECASE)


def is_eponym(text: str, stop: int) -> bool:
    """Whether the word that ends at `stop` names a sign, disease, score, ... and not a person."""
    after = re.match(
        r"(?:['’]s)?(?:[ \t-]+[A-Z][a-z]+(?:['’]s)?)?[ \t-]+(\(?[A-Za-z]+)", text[stop:]
    )
    if _EPONYM_ZH.match(text, stop) or _GRADE_AFTER.match(text, stop):
        return True
    near = re.match(r"(?:['’]s)?[ \t-]+([A-Za-z]+)", text[stop:])
    nouns = words("clinical_nouns_en.txt")
    return any(found is not None and found.group(1) in nouns for found in (after, near))


def opens_sentence(text: str, start: int) -> bool:
    """Whether the word at `start` is capital by its place."""
    return re.search(r"(?:^|[.!?:;\n\"“(•*-])\s*$", text[max(0, start - 4) : start]) is not None


@cache
def no_names() -> frozenset[str]:
    """Words that are no name by themselves: openings, headings, places, drugs, eponyms."""
    return words("not_english_names.txt") | words("eponyms_en.txt")


@cache
def folded_no_names() -> frozenset[str]:
    """The same, folded."""
    return frozenset(folded(word) for word in no_names())


def title(word: str) -> str:
    return word.capitalize() if word.isupper() else word


def is_double_given(word: str) -> bool:
    """Two given names joined (Jean-Pierre); two family names alone are more often an eponym."""
    return all(folded(part) in given_names() for part in word.split("-"))


def follows_given_name(word: str) -> bool:
    """Whether an eponym or a place is the family name of somebody named before it."""
    return is_name(word) or (folded(word) in family_names() and not is_ordinary(word))


@lru_cache(maxsize=1 << 14)
def is_no_word(word: str) -> bool:
    """A listed name, or no word of ordinary language, of medicine or of the lists of no names."""
    if is_name(word):
        return True
    if re.search("['’](?:ve|ll|re|d|m|t)$", word) or _PREFIXED.match(word):
        return False
    parts = [part for part in re.split("['’-]", word) if len(part) > 1]
    return (
        len(word) > 1
        and (is_listed(word) or not any(_ENDS_MEDICINE.fullmatch(folded(part)) for part in parts))
        and not (word.isupper() and len(word) < 6 and not is_listed(word))
        and not all(is_ordinary(part) for part in parts)
        and not (len(parts) > 1 and parts[-1].islower() and is_ordinary(parts[-1]))
        and folded(word) not in folded_no_names()
        and not is_medical(word)
    )


def is_listed(word: str) -> bool:
    return len(word) > 3 and (folded(word) in given_names() or folded(word) in family_names())


def is_medical(word: str) -> bool:
    """A drug, a word of image overlays, an abbreviation, an eponym joined to another."""
    return (
        (word.lower() in words("overlay.txt") and folded(word) not in family_names())
        or any(True for _ in drugs(word.lower()))
        or is_eponym_pair(word)
        or any(title(part) in no_names() for part in word.split("-"))
    )


@lru_cache(maxsize=1 << 14)
def may_be_given(word: str) -> bool:
    """A given name of any country that is no word."""
    return is_no_word(word) and (
        any(part in given_names() for part in _parts(word))
        or re.fullmatch(_KOREAN, word) is not None
    )


_ENDS_MEDICINE = re.compile(
    r"[a-z]{2,}(?:itis|osis|oses|a?emia|uria|opath(?:y|ies|ic)|[bcdfgmnprt]omas?|ectom(?:y|ies)|[ot]omy|[oe]stomy|plast(?:y|ic)|scop(?:y|ic|e)|graph(?:y|ic|s)?|grams?|algia|rr?h(?:o?ea|age|aphy|exis)|plegi[ac]|paresis|o?edema(?:tous)?|pno?ea|phag(?:ia|y|e)|phasi[ac]|phob(?:ia|ic)|troph(?:y|ic)|peni[ac]|cyt(?:e|es|ic|osis|oma)|blasts?|genic|genesis|lytic|lys(?:is|es|ate)|kines(?:ia|is)|a?esthe(?:sia|tic)|glyc\w+|gluc\w+|phosph\w*|glutar\w+|prote\w+|peptid\w+|nucle\w+|steroids?|ster(?:ol|one)|globulins?|globin|dehydrogenase|[lrtdnsgk]ases?|itides|otic|ular|aceous|iform|oids?|otoxic\w*|osclero\w+|thorax|cardi(?:a|um|ac|al)|derm(?:a|al|is|ic)|hepat(?:ic|o\w+)|neur(?:al|o\w+)|vascular|venous|arterial|pleural|thyroid(?:ism)?|bacter\w*|cocc(?:us|i|al)|virus(?:es)?|mycosis|fungal|septic|febrile|caseating|necro\w+|fibro\w+|sclero\w+|tension|version|flexion|duction|rotation|ivir|amine|azine|idine|icide|ylate|acetate|chloride|sulfate|sulphate|phosphate|hydrate|oxide|otide|oside|entoses|exoses)"
)
"""Endings of words of medicine and chemistry that an English dictionary may lack."""
_PREFIXED = re.compile(
    "(?i:non|alpha|beta|gamma|delta|omega|cross|case|long|short|post|pre|anti|self|low|high|multi|semi|sub|ultra|well|ill|over|under|extra|intra|inter|trans|micro|macro|hyper|hypo|co|re|de|bi|tri|poly|mono|quasi|pseudo|double|single|half|full|follow|check|walk|drop|x|t|b|z|u|ct|mr|pet|iv|im|sc|po|pro|neo|peri|para|supra|infra|retro|antero|postero|medio|latero)-"
)
_ENDS_FAMILY = re.compile(
    r"[a-z]{2,}(?:enko|chuk|czuk|czyk|wicz|vich|vych|owski|ewski|owska|ewska|[cn]ski|[cn]ska|[sd]sky|skaya|shvili|adze|idze|yan|poulos|opoulou|idis|iadis|akis|escu|eanu|oiu|sson|sdottir|dottir|inen|lainen|ović|evic|ovic|ević|čić|oğlu|oglu|ova|eva|ov|ev|auskas|aitis|ienė|murthy|moorthy|swamy|swami|nathan|esan|appan|kumar|raju|lingam|samy|vel|garh|wala|walla|wallah|zadeh|zada|pour|nejad|oui|eddine|ullah|uddin|hofer|huber|mayr|stein|berg|bergh|gaard|skov|lund|quist|qvist|strom|ström|mans|stra|sma|ema|inga|zoon|etxea|etxebarria|arren|azuela|uchi|moto|mura|yama|kawa|shima|saki|saka|guchi|hashi|naka|tani|asena|singhe|ratne|wardena|sekara|wansa|pathi|anga|embe|ombe|ando|iwe|uwa|odu|unde|ayo|emi|isa|iye|anya|chukwu|nwa|hlovu|hlanga|tshwayo|khosi|mkhize)"
)
"""Endings of family names in many languages."""


@lru_cache(maxsize=1 << 14)
def may_be_family(word: str) -> bool:
    """A family name of any country that is no word."""
    return is_no_word(word) and any(
        part in family_names() or _ENDS_FAMILY.fullmatch(part) for part in _parts(word)
    )


def may_be_name(word: str) -> bool:
    return may_be_given(word) or may_be_family(word)


def _parts(word: str) -> list[str]:
    whole = folded(word)
    return [whole, *(part for part in whole.split("-") if len(part) > 2)]


def is_eponym_pair(word: str) -> bool:
    """Two names joined by a hyphen that are both eponyms (Child-Pugh), or one and a particle."""
    parts = [part for part in word.split("-") if len(part) > 2]
    return "-" in word and all(title(part) in no_names() for part in parts)


@cache
def _folded(name: str) -> frozenset[str]:
    return frozenset(folded(word) for word in words(name))


def is_given(word: str) -> bool:
    return word.casefold() in _folded("given_en.txt")


def is_family(word: str) -> bool:
    parts = re.split("[-]", word.replace("’", "'").casefold())
    return any(part in _folded("family_en.txt") for part in parts)


def is_name(word: str) -> bool:
    return is_given(word) or is_family(word)


def is_family_anywhere(word: str) -> bool:
    """Whether a word after a title can be a family name although it is an eponym or a word as well."""
    return is_family(word) or (folded(word) in family_names() and not is_ordinary(word))


def is_eponym_of_two(first: str, second: str) -> bool:
    """Two words that are an eponym together: Austin Flint, Ivor Lewis."""
    return f"{title(first)}_{title(second)}" in words("eponym_pairs_en.txt")


def is_unclear(word: str) -> bool:
    """Whether a listed name is as well an ordinary word, a month, a drug or an eponym."""
    folded = word.casefold()
    return folded in _folded("unclear_en.txt") or folded in folded_no_names()


def is_pinyin_name(first: str, second: str) -> bool:
    """Family name in pinyin beside a word of one or two syllables; words such as "He Can" are not."""
    families = words("pinyin_families.txt")
    pairs = ((first, second), (second, first))
    return not (is_unclear(first) and is_unclear(second)) and any(
        title(a) in families and len(b) > 1 and _PINYIN.fullmatch(b) for a, b in pairs
    )
