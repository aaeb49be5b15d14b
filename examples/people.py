"""Made-up people: names, numbers and addresses to plant as personal data, none of a real person.

Identity numbers have a valid check digit but a district code that is not in use; English phones
are in the 555-01xx range; e-mail addresses are at example domains.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from pulsemind.records import Language

Planted = tuple[str, str]
"""(kind of personal data, the value as it is written)."""

# fmt: off
_SURNAMES = (
    ("张", "zhang"), ("王", "wang"), ("李", "li"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"),
    ("赵", "zhao"), ("黄", "huang"), ("周", "zhou"), ("吴", "wu"), ("徐", "xu"), ("孙", "sun"),
    ("朱", "zhu"), ("胡", "hu"), ("郭", "guo"), ("何", "he"), ("林", "lin"), ("罗", "luo"),
    ("郑", "zheng"), ("梁", "liang"), ("谢", "xie"), ("宋", "song"), ("欧阳", "ouyang"),
)
_GIVEN = (
    ("伟", "wei"), ("芳", "fang"), ("娜", "na"), ("敏", "min"), ("静", "jing"), ("强", "qiang"),
    ("磊", "lei"), ("洋", "yang"), ("艳", "yan"), ("勇", "yong"), ("杰", "jie"), ("涛", "tao"),
    ("秀英", "xiuying"), ("建国", "jianguo"), ("志强", "zhiqiang"), ("桂兰", "guilan"),
    ("丽华", "lihua"), ("海燕", "haiyan"), ("晓东", "xiaodong"), ("文博", "wenbo"),
    ("雨桐", "yutong"), ("子轩", "zixuan"), ("佳怡", "jiayi"), ("俊峰", "junfeng"),
)
_FIRST = (
    "John", "Susan", "Robert", "Linda", "Michael", "Karen", "David", "Nancy", "James", "Laura",
    "Thomas", "Emily", "Daniel", "Sarah", "George", "Helen", "Peter", "Rachel", "Kevin", "Alice",
)
_LAST = (
    "Carter", "Bennett", "Sullivan", "Hughes", "Foster", "Parker", "Coleman", "Murray", "Watson",
    "Griffin", "Harrison", "Mitchell", "Crawford", "Douglas", "Fletcher", "Simmons", "Whitaker",
    "Thornton", "Eastwood", "Lambert",
)
_CITIES = ("南山", "东河", "临川", "青江", "北原", "云湖")
_DISTRICTS = ("西湖区", "新城区", "江北区", "高新区")
_ROADS = ("文三路", "解放路", "人民路", "中山路", "建设街")
_HOSPITALS_ZH = ("市第一人民医院", "市中心医院", "市中医院", "市妇幼保健院")
_HOSPITALS_EN = (
    "St. Mary Hospital", "Riverside General Hospital", "Lakeside Medical Center",
    "Mount Hope Hospital", "Greenfield Community Hospital",
)
_STREETS = ("Maple Street", "Oak Avenue", "Cedar Lane", "Elm Road", "Birch Drive")
_TOWNS = ("Springfield", "Riverton", "Lakewood", "Fairview")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)
# fmt: on

# fmt: off
TEXT_KINDS: dict[Language, tuple[str, ...]] = {
    "zh": ("name", "phone", "record_number", "hospital", "date", "id_number", "physician",
           "address", "age_over_89", "email", "bed_number"),
    "en": ("name", "phone", "record_number", "hospital", "date", "physician", "address",
           "age_over_89", "email", "bed_number"),
}
# fmt: on
"""Kinds of personal data planted in text, by language."""


@dataclass(frozen=True)
class Person:
    """A made-up patient with everything that identifies them; `handle` is the name in ASCII."""

    language: Language
    surname: str
    name: str
    handle: str
    birth: date
    id_number: str
    phone: str
    email: str
    record_number: str
    bed: int
    address: str
    hospital: str
    physician_surname: str
    physician: str
    visit: date
    old_age: int


def check_digit(seventeen: str) -> str:
    """The 18th character of a Chinese identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, seventeen, strict=True))
    return "10X98765432"[total % 11]


def person(language: Language, rng: random.Random) -> Person:
    """Draw one made-up person."""
    chinese = language == "zh"
    birth = date(1940, 1, 1) + timedelta(days=rng.randrange(23_000))
    surname, name, handle = _name(chinese, rng)
    physician_surname, physician, _ = _name(chinese, rng)
    prefix = f"{rng.choice(('110199', '310199', '440199', '510199'))}{birth:%Y%m%d}"
    seventeen = f"{prefix}{rng.randrange(1000):03d}"
    if chinese:
        phone = f"{rng.choice(('1380013', '1390013', '1350013'))}{rng.randrange(10_000):04d}"
        city = rng.choice(_CITIES)
        address = (
            f"{city}市{rng.choice(_DISTRICTS)}{rng.choice(_ROADS)}{rng.randint(2, 199)}号"
            f"{rng.randint(1, 19)}栋{rng.randint(101, 1802)}室"
        )
        hospital = city + rng.choice(_HOSPITALS_ZH)
    else:
        phone = f"({rng.randint(201, 989)}) 555-01{rng.randrange(100):02d}"
        address = f"{rng.randint(11, 989)} {rng.choice(_STREETS)}, {rng.choice(_TOWNS)}"
        hospital = rng.choice(_HOSPITALS_EN)
    return Person(
        language=language,
        surname=surname,
        name=name,
        handle=handle,
        birth=birth,
        id_number=seventeen + check_digit(seventeen),
        phone=phone,
        email=f"{handle}{rng.randint(10, 99)}@example.{rng.choice(('com', 'org', 'net'))}",
        record_number=str(rng.randint(20_100_000, 20_999_999)),
        bed=rng.randint(11, 58),
        address=address,
        hospital=hospital,
        physician_surname=physician_surname,
        physician=physician,
        visit=date(2024, 1, 1) + timedelta(days=rng.randrange(600)),
        old_age=rng.randint(90, 99),
    )


def _name(chinese: bool, rng: random.Random) -> tuple[str, str, str]:
    if chinese:
        (surname, first), (given, second) = rng.choice(_SURNAMES), rng.choice(_GIVEN)
        return surname, surname + given, first + second
    given, surname = rng.choice(_FIRST), rng.choice(_LAST)
    return surname, f"{given} {surname}", f"{given}.{surname}".lower()


def mention(kind: str, who: Person, rng: random.Random) -> tuple[str, Planted]:
    """A sentence of a patient's that gives away one piece of personal data, and that piece."""
    table = _mentions_zh(who) if who.language == "zh" else _mentions_en(who)
    before, value, after = rng.choice(table[kind])
    return before + value + after, (kind, value)


def dates(day: date, language: Language) -> tuple[str, ...]:
    """Ways of writing a date."""
    if language == "zh":
        return (f"{day:%Y-%m-%d}", f"{day.year}年{day.month}月{day.day}日")
    return (
        f"{day:%Y-%m-%d}",
        f"{_MONTHS[day.month - 1]} {day.day}, {day.year}",
        f"{day:%m/%d/%Y}",
    )


def _mentions_zh(who: Person) -> dict[str, list[tuple[str, str, str]]]:
    return {
        "name": [
            ("我叫", who.name, "。"),
            ("患者", who.name, "。"),
            ("我是", who.name, "的家属。"),
            ("挂号的名字是", who.name, "。"),
        ],
        "id_number": [
            ("身份证号是", who.id_number, "。"),
            ("身份证", who.id_number, "。"),
        ],
        "phone": [("我的手机号是", who.phone, "。"), ("电话", who.phone, "。")],
        "email": [("邮箱是", who.email, "。"), ("报告请发到", who.email, "。")],
        "record_number": [
            ("住院号", who.record_number, "。"),
            ("病历号：", who.record_number, "。"),
        ],
        "bed_number": [
            ("我住", f"{who.bed}床", "。"),
            ("床号是", f"{who.bed}床", "。"),
        ],
        "address": [("家住", who.address, "。"), ("我的地址是", who.address, "。")],
        "hospital": [("在", who.hospital, "看过。"), ("上次去了", who.hospital, "。")],
        "physician": [
            ("之前是", f"{who.physician_surname}医生", "看的。"),
            ("", who.physician, "主任开的药。"),
            ("之前找", who.physician, "医生看过。"),
        ],
        "date": [
            (told, day, "。") for told in ("发病是", "就诊是") for day in dates(who.visit, "zh")
        ],
        "age_over_89": [
            ("是替我母亲问，她今年", f"{who.old_age}岁", "。"),
            ("患者是我爷爷，", f"{who.old_age}岁", "。"),
        ],
    }


def _mentions_en(who: Person) -> dict[str, list[tuple[str, str, str]]]:
    return {
        "name": [
            (" My name is ", who.name, "."),
            (" I am writing for Mr. ", who.surname, "."),
            (" This is ", who.name, " speaking."),
            (" The patient is ", who.name, "."),
        ],
        "phone": [(" My phone is ", who.phone, "."), (" Please call ", who.phone, ".")],
        "email": [(" My e-mail is ", who.email, "."), (" Write to ", who.email, ".")],
        "record_number": [
            (" My MRN is ", who.record_number, "."),
            (" Record number ", who.record_number, "."),
        ],
        "bed_number": [
            (" I am in ", f"bed {who.bed}", "."),
            (" Ward 3, ", f"bed {who.bed}", "."),
        ],
        "address": [
            (" I live at ", who.address, "."),
            (" My address is ", who.address, "."),
        ],
        "hospital": [
            (" I was at ", who.hospital, "."),
            (" They saw me at ", who.hospital, "."),
        ],
        "physician": [
            (" I saw ", f"Dr. {who.physician_surname}", " before."),
            (" Dr. ", who.physician, " saw me."),
        ],
        "date": [
            (told, day, ".") for told in (" It was ", " Seen on ") for day in dates(who.visit, "en")
        ],
        "age_over_89": [
            (" I ask for my mother, she is ", f"{who.old_age} years old", "."),
            (" The patient is my ", f"{who.old_age}-year-old", " father."),
        ],
    }


def salutation(who: Person) -> tuple[str, Planted]:
    """How a physician addresses the patient by name, and the personal data in it."""
    if who.language == "zh":
        title = f"{who.surname}女士"
        return f"{title}，", ("name", title)
    return f"Mr. {who.surname}, ", ("name", who.surname)


def header(who: Person, rng: random.Random) -> list[tuple[str, Planted]]:
    """Four to five printed lines of a report or an overlay, each with the personal data in it."""
    zh = who.language == "zh"
    day = f"{who.visit:%Y-%m-%d}"
    labels = ("姓名", "住院号", "身份证号", "电话", "检查日期", "医生") if zh else (
        "Name", "MRN", "DOB", "Phone", "Date", "Physician")  # fmt: skip
    third = ("id_number", who.id_number) if zh else ("date", f"{who.birth:%Y-%m-%d}")
    values: list[Planted] = [
        ("name", who.name),
        ("record_number", who.record_number),
        third,
        ("phone", who.phone),
        ("date", day),
        ("physician", who.physician),
    ]
    colon = "：" if zh else ": "
    lines = [
        (f"{label}{colon}{value[1]}", value) for label, value in zip(labels, values, strict=True)
    ]
    kept = sorted([0, *rng.sample(range(1, len(lines)), rng.choice((2, 3)))])
    return [lines[index] for index in kept]
