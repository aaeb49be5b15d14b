# ruff: noqa: E501 - patterns stand on one line
"""People and beds in the lists that wards and offices write in Chinese: a line each, or with 、 between.

A line such as "01　尧建平　2型糖尿病" has a bed and a name where the text says that it is a list of
patients, or where other lines look the same. Beside a person found before, what 、 joins is one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pulsemind.data.chinese_at import is_drug, name_at
from pulsemind.data.chinese_cues import is_nobody
from pulsemind.data.chinese_words import HAN, is_plain_word, is_word
from pulsemind.data.detectors import Span
from pulsemind.data.finder import finder

_TITLE = re.compile(
    "床|一览|名单|交班|接班|在院|住院患者|患者列表|巡视|查房|排班|值班|签到|花名册|名册|叫号|候诊|预约表|手术安排|手术排程|日程|透析|班次|转运|探视|陪护|新入|出院患者|病危|病重|随访|登记"
)
_LINE = finder(
    rf"(?m:^)[ \t*•▶◆-]*(?P<bed>(?:加|临|抢|留|[A-Z]{{1,2}}-?)?\d{{1,3}}(?:-\d{{1,2}}|[A-Z])?)(?P<sep>\s?床|[ \t]{{1,6}}|[ \t]*[|｜/:：、.．)）-][ \t]*)[ \t]*(?P<v>[{HAN}·]{{2,10}}|空|[A-Z][a-z]+)?(?=[ \t]|[，,|｜/（(：:]|$)"
)
_NAME_LINE = finder(
    rf"(?m:^)[ \t*•▶◆-]*(?:\d{{1,4}}(?:[/.:：月-]\d{{1,2}}日?){{1,2}}[ \t]+){{0,2}}(?P<v>[{HAN}]{{2,4}})(?=[ \t]{{1,6}}(?:[男女]|\d|[{HAN}])|[ \t]*[|｜]|[ \t]*[:：][ \t]*(?:\d|[{HAN}]))"
)
_ROW = finder(rf"[|｜][ \t]*(?P<v>[{HAN}]{{2,4}})[ \t]*(?=[|｜])")
_ANSWER = finder(
    rf"(?:(?m:^)|[，,：:。—-])[ \t]*(?P<bed>[A-Z]?\d{{1,3}})[ \t]+(?P<v>[{HAN}]{{2,4}})(?=[ \t]*(?:$|\n|收到|[，,。]))"
)
_JOINED = re.compile(rf"[ \t]*(?:、|，(?=[{HAN}]{{2,4}}、)|[和与及跟](?=[{HAN}]{{2,4}}))[ \t]*")
_BEFORE = re.compile(rf"(?P<v>[{HAN}·]{{2,8}})[ \t]*(?:、|[和与及跟])[ \t]*$")


def detect_listed(text: str) -> Iterator[Span]:
    """Beds and people in lines of a masked text; spans may overlap."""
    if "\n" in text:
        lines = list(_LINE.finditer(text))
        named = [
            found for found in lines if found.group("v") and _is_name(found.group("v"), "sure")
        ]
        titled = _TITLE.search(text[: text.index("\n")] or text[:20]) is not None
        if named and (titled or len(named) > 1):
            for found in lines:
                numbered = found.group("sep").strip() in (".", "．", "、", ")", "）") and not titled
                if not numbered and (found in named or titled):
                    yield Span(*found.span("bed"), "bed_number")
            for found in named:
                yield Span(*found.span("v"), "name")
        rows = [found for found in _NAME_LINE.finditer(text) if _is_name(found.group("v"), "sure")]
        for found in rows:
            if len(rows) > 1 or _is_name(found.group("v"), "plain"):
                yield Span(*found.span("v"), "name")
    for found in _ANSWER.finditer(text):
        if _is_name(found.group("v"), "plain"):
            yield Span(*found.span("bed"), "bed_number")
            yield Span(*found.span("v"), "name")
    for found in _ROW.finditer(text):
        if _is_name(found.group("v"), "plain"):
            yield Span(*found.span("v"), "name")


def detect_joined(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """People whom 、 or 和 joins to one that is among `spans`."""
    for span in spans:
        stop = span.stop
        while joined := _JOINED.match(text, stop):
            end = name_at(text, joined.end(), "sure" if "、" in joined.group() else "plain")
            if end == joined.end() or is_drug(text[joined.end() : end + 2]):
                break
            yield Span(joined.end(), end, span.kind)
            stop = end
        if before := _BEFORE.search(text, max(0, span.start - 12), span.start):
            for length in (4, 3, 2):
                value = before.group("v")[-length:]
                if len(value) == length and _is_name(value, "plain"):
                    yield Span(before.end("v") - length, before.end("v"), span.kind)
                    break


def _is_name(value: str, trust: str) -> bool:
    whole = name_at(value, 0, "sure" if trust == "sure" else "plain") == len(value)
    plain = is_plain_word(value) and (trust != "sure" or is_word(value, 20))
    return whole and not is_nobody(value) and not plain and not is_drug(value)
