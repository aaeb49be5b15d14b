# ruff: noqa: E501 - a case stands on one line
"""Names, case by case: what is a person in Chinese and in English text, and what only looks so."""

from __future__ import annotations

import pytest

from pulsemind.data.anonymise import detect
from pulsemind.data.chinese_cues import detect_cued
from pulsemind.data.english import detect_english
from pulsemind.data.names import detect_names


def people(text: str) -> set[str]:
    """The people found, as they stand in the text."""
    found = detect(text, tagger=False)  # what the rules find
    spans = [span for span in found if span.kind in ("name", "physician")]
    return {text[span.start : span.stop] for span in spans}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("姓名：宫雪  性别：女", "宫雪"),
        ("联系人：麦冬青", "麦冬青"),
        ("收件人牛得草，电话见下", "牛得草"),
        ("患者格桑曲珍，女，30岁", "格桑曲珍"),
        ("我是古丽娜尔·艾山，想咨询", "古丽娜尔·艾山"),
        ("您好，我姓鞠", "鞠"),
        ("一助：冷月，麻醉：花间", "冷月"),
        ("报告医师：易川/支梅", "支梅"),
        ("我闺蜜蔺小雨推荐的", "蔺小雨"),
        ("隔壁老冯说没事", "老冯"),
        ("外籍患者Pavel Novotny，发热", "Pavel Novotny"),
        ("请郎景平教授会诊", "郎景平"),
        ("小名豆豆，3岁", "豆豆"),
    ],
)
def test_chinese_people(text: str, name: str) -> None:
    assert name in people(text)


@pytest.mark.parametrize(
    "text",
    [
        "患者：头痛三天，恶心",
        "医生：您好，请问哪里不舒服",
        "姓名：不详，性别：男",
        "麻醉：全麻，手术：顺利",
        "联系人：本人",
        "患者时有咳嗽，易疲劳，冷汗，左侧卧位",
        "霍夫曼征阳性，克氏征阴性，马氏病",
        "季德胜蛇药片外用，王氏保赤丸口服",
        "老年男性，男，活动后气短",
        "孩子叫不醒，叫医生来",
        "症状·治疗·预防",
    ],
)
def test_no_chinese_people(text: str) -> None:
    assert people(text) == set()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Oluwadamilola Fashanu.", "Oluwadamilola Fashanu"),
        ("Mr. Wojtkiewicz was seen today", "Wojtkiewicz"),
        ("I saw Dr. Ramachandrula for it", "Ramachandrula"),
        ("i saw dr ramachandrula last week", "ramachandrula"),
        ("Patient: Xhesika Gjonaj  MRN: 4433221", "Xhesika Gjonaj"),
        ("Signed: Ewelina Szczepanik, RN", "Ewelina Szczepanik"),
        ("Re: KOWALCZUK, Oksana\nDear colleague", "KOWALCZUK, Oksana"),
        ("Kind regards,\nTanaka Mupfumi\n+263", "Tanaka Mupfumi"),
        ("Next of kin: Vaidehi Subramaniam", "Vaidehi Subramaniam"),
        ("The patient, Thorvald Grimsby, slept", "Thorvald Grimsby"),
        ("this is Sarah Whitfield calling", "Sarah Whitfield"),
    ],
)
def test_english_people(text: str, name: str) -> None:
    assert name in people(text)


@pytest.mark.parametrize(
    "text",
    [
        "Child-Pugh B, Salter-Harris II, Roux-en-Y anastomosis",
        "Wilson disease, Murphy sign, Glasgow Coma Scale 14",
        "dr said to stop, dr recommended rest, dr will call",
        "so, Mark the area with a pen and, Will it heal",
        "Patient: Denies fever. Signed: Electronically",
        "Kind regards,\nThank you",
        "Foley catheter, Hickman line, Trendelenburg position",
    ],
)
def test_no_english_people(text: str) -> None:
    assert people(text) == set()


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("送医车牌浙A7K3Q9。", "浙A7K3Q9", "plate"),
        ("车牌粤B·F5820警2月到", "粤B·F5820警", "plate"),
        ("新能源车京AD12345停在门口", "京AD12345", "plate"),
        ("car reg LV19 KXR, open fracture", "LV19 KXR", "plate"),
        ("the plate was 8XKR402", "8XKR402", "plate"),
        ("my insta is coffee_n_scrubs ok", "coffee_n_scrubs", "account"),
        ("Skype: live:drew.k_88, migraine", "live:drew.k_88", "account"),
        ("微博@早起的鸟儿，湿疹", "@早起的鸟儿", "account"),
        ("IG: @skinny.legend.97, see", "@skinny.legend.97", "account"),
        ("我的号是wangmama_2019，谢谢", "wangmama_2019", "account"),
        ("银行卡6222 0220 0101 2345670，请", "6222 0220 0101 2345670", "account"),
        ("write P.O. Box 2281, Truckee, CA 96160 now", "P.O. Box 2281, Truckee, CA 96160", "address"),
        ("at Flat 6, 112 Morningside Road, Edinburgh EH10 4BY.", "Flat 6, 112 Morningside Road, Edinburgh EH10 4BY", "address"),
        ("at 15 Glenferrie Rd, Hawthorn VIC 3122;", "15 Glenferrie Rd, Hawthorn VIC 3122", "address"),
        ("to 4417 Willow Bend Ct, Apt 3B, Plano, TX 75093.", "4417 Willow Bend Ct, Apt 3B, Plano, TX 75093", "address"),
        ("call 07700 900 482 now", "07700 900 482", "phone"),
        ("打010-62751234转8012；", "010-62751234转8012", "phone"),
        ("Medicare number 1EG4-TE5-MK73", "1EG4-TE5-MK73", "id_number"),
        ("LMP 8/14, so", "8/14", "date"),
        ("二〇二四年十月八日出院", "二〇二四年十月八日", "date"),
        ("在湘雅二院做的", "湘雅二院", "hospital"),
        ("room 412B, intubated", "412B", "bed_number"),
    ],
)  # fmt: skip
def test_other_kinds(text: str, value: str, kind: str) -> None:
    found = {(text[s.start : s.stop], s.kind) for s in detect(text)}
    assert (value, kind) in found


@pytest.mark.parametrize(
    "text",
    [
        "pain 8/10 since Monday, was 3/10",
        "half a tablet on 1/2 tab days, 5/5 strength",
        "room air 98%, ward round at 8",
        "L5 1 cm, C6 2 mm, T2 weighted, B12 250",
        "OGTT 5.0-10.8-8.9，V4-V6，A/N 0.78",
        "小区卫生服务中心能看吗",
        "剂量：每日3次，单号双号都可以",
        "1 tablet @ night, 2 puffs @ 8",
    ],
)
def test_numbers_that_are_no_personal_data(text: str) -> None:
    assert detect(text) == []


def test_detectors_keep_to_their_language() -> None:
    assert list(detect_english("姓名：张伟")) == []
    assert list(detect_cued("My name is John Carter")) == []
    assert list(detect_names("38.5")) == []
