# ruff: noqa: E501 - a case stands on one line
"""What hospitals' texts hold, class by class: each row is a class, not a text that was missed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsemind.data.anonymise import detect
from pulsemind.data.chinese_at import name_at
from pulsemind.data.chinese_world import is_world_name
from pulsemind.data.wordlists import words


def found(text: str) -> set[str]:
    """All values that the rules find, as they stand in the text; the tagger wants sentences."""
    return {text[span.start : span.stop] for span in detect(text, tagger=False)}


@pytest.mark.parametrize(
    ("text", "start", "name"),
    [
        ("患者李明发热三天", 2, "李明"),
        ("女儿王发成来院", 2, "王发成"),
        ("研究者危思远已上报", 3, "危思远"),
        ("我爸拓跋明配型成功", 2, "拓跋明"),
        ("父亲格桑已能拄拐", 2, "格桑"),
        ("患者高热不退", 2, ""),
        ("患者常有头晕", 2, ""),
        ("请于周三上午", 1, ""),
        ("换成罗红霉素胶囊", 2, ""),
    ],
)
def test_a_name_ends_where_no_word_is_cut(text: str, start: int, name: str) -> None:
    assert text[start : name_at(text, start)] == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("付姓值班医生，姓孟的大夫，贵姓", {"付", "孟"}),
        ("隔壁老查来了。护士小张让我填表", {"老查", "小张"}),
        ("上次我蒋姐说的，陈婶也在", {"蒋姐", "陈"}),
        ("我家糖糖3岁，小雅这两天不咳了", {"糖糖", "小雅"}),
        ("女儿次仁卓嘎接，父亲格桑已出院", {"次仁卓嘎", "格桑"}),
        ("塔吉古丽的妈妈，敖登的保单号", {"塔吉古丽", "敖登"}),
        ("受试者黎氏秋霞，7号楼阮氏碧 发烧", {"黎氏秋霞", "阮氏碧"}),
        ("我太太藤原美和36岁", {"藤原美和"}),
        ("附件为Иван Соколов的病历", {"Иван Соколов"}),
        ("密接才旦、邝美琪解除隔离", {"才旦", "邝美琪"}),
        ("病理科慎行经手，风湿科贺明，2025年", {"慎行", "贺明"}),
        ("应为\"宓晓玲\"，不是\"宓小玲\"", {"宓晓玲", "宓小玲"}),
        ("司机老郑、邻居陈婶都在", {"老郑", "陈婶"}),
    ],
)  # fmt: skip
def test_chinese_people_by_class(text: str, names: set[str]) -> None:
    seen = "".join(found(text))
    assert all(name in seen for name in names), found(text)


def test_a_ward_list_has_beds_and_people() -> None:
    text = "▶ 住院患者一览\n01　尧建平　2型糖尿病\n02　海日罕　甲亢\n加04　空"
    assert found(text) == {"01", "尧建平", "02", "海日罕", "加04"}
    handover = "SHIFT REPORT\n301-1 Ortega - NPO\n301-2 Feinberg - heparin 1,150 units/h"
    assert found(handover) == {"301-1", "Ortega", "301-2", "Feinberg"}


@pytest.mark.parametrize(
    "text",
    [
        "1. 布洛芬 0.3g\n2. 金银花 10g\n3. 黄芪 20g",
        "医嘱：\n1 阿司匹林 100mg\n2 白蛋白 10g\n3 安定 2.5mg",
        "患者温度正常，下肢仅左小腿有米粒大丘疹，请查肝脏",
        "格桑花，康西瓜子，桥本氏病，源患者为HBsAg阳性",
        "由家属陪同，原姓名不详，谢谢医生，同时也要注意",
        "胃酸回流至口腔的感觉，避免服用可疑食物和药物.服用减低血管通透性药物",
        "Alvarado 8. Hamilton 18, Wells 3, Berg 31/56. Heinz negative.",
        "No Todd weakness. He said Hailey-Hailey or maybe Darier.",
        "Fam hx: father Huntington's, aunt same. St John's wort.",
        "Movicol and Fybogel. Jackson-Pratt drain, Bair Hugger on.",
        "Metformin ER 500 mg #120, hip ORIF POD 2, station 4R",
        "Galactorrhoea, alpha-ketoglutarate, Non-caseating granulomas",
        "creatinine of 2.5. The physician. (ref: 19-60 µg/dL)",
        "strength 4/5 - 5/5, pain 3/10, 3/18 nodes positive",
    ],
)
def test_clinical_content_stays(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("再来听肺是10月21", "10月21"),
        ("下周11/10拆线", "11/10"),
        ("解除时间为3/18 08:00", "3/18"),
        ("主任说1.8进舱", "1.8"),
        ("廿五年七月卅一日", "廿五年七月卅一日"),
        ("Issued 2025 Sept 15.", "2025 Sept 15"),
        ("EDC 02-20-26;", "02-20-26"),
        ("date of birth is 17.6.94 and", "17.6.94"),
        ("clips due out 24/02.", "24/02"),
        ("off school 3/3 - 3/7.", "3/7"),
        ("on the twenty-first of November", "the twenty-first of November"),
        ("change my appointment from march 19 please", "march 19"),
        ("随访3/11 换药", "3/11"),
    ],
)
def test_dates_by_class(text: str, value: str) -> None:
    assert value in found(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200418-7733号蜡块借出", "200418-7733"),
        ("供者编号CMDP 0092-7741，", "CMDP 0092-7741"),
        ("处方 No.１１０４７２", "１１０４７２"),
        ("工伤认定编号晋工伤2025-00317。", "晋工伤2025-00317"),
        ("chart BMG-66201. INR 6.4", "BMG-66201"),
        ("电话幺三八零零幺三八零零零", "幺三八零零幺三八零零零"),
        ("number is nine one nine five five five oh one seven three", "nine one nine five five five oh one seven three"),
        ("Murugesan, 98400 55512. Come", "98400 55512"),
        ("座机0594-8270 113转6", "0594-8270 113转6"),
        ("摩托新G·K418没油", "新G·K418"),
        ("您的好友\"橙子味的海\"预约", "橙子味的海"),
        ("那个@骨科老炮儿沈讲的", "@骨科老炮儿沈"),
        ("shaq55180jq is the login", "shaq55180jq"),
        ("My insta jay.kickflips.", "jay.kickflips"),
        ("Room LD-4, quiet", "LD-4"),
        ("the minor ops room (0.27) is closed", "0.27"),
        ("三病区停电", "三"),
        ("Bed 4 - empty", "4"),
        ("是老百姓大药房永州冷水滩店吗", "老百姓大药房永州冷水滩店"),
        ("拟转西藏珠峰儿童心脏救助中心。", "西藏珠峰儿童心脏救助中心"),
        ("the cast at Westheimer Urgent Bone & Joint is wet", "Westheimer Urgent Bone & Joint"),
        ("at Ridgemoor Assessment Centre. Thought", "Ridgemoor Assessment Centre"),
        ("寄河北省张家口市桥西区平门大街41号院1排3号。", "河北省张家口市桥西区平门大街41号院1排3号"),
        ("Mrs Lowe, aged 94.", "aged 94"),
    ],
)  # fmt: skip
def test_numbers_and_places_by_class(text: str, value: str) -> None:
    assert any(value in seen for seen in found(text)), found(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Dr. Murphy saw her. Mr. Wilson said no.", {"Murphy", "Wilson"}),
        ("Spoke to Graham Wilson. I saw Thomas today.", {"Graham Wilson", "Thomas"}),
        ("Kirsty Fontaine, health visitor", {"Kirsty Fontaine"}),
        ("admitted under Nadkarni.", {"Nadkarni"}),
        ("Spoke to Rangi Te Whata on the phone", {"Rangi Te Whata"}),
        ('"Ceridwen" was typed as "sir reed when".', {"Ceridwen"}),
        ("off sick (Bimpe, Carlos and nurse Freya)", {"Bimpe", "Carlos", "Freya"}),
        ("ATT: HEPBURN, K", {"HEPBURN, K"}),
        ("Puan Norazlina took it", {"Norazlina"}),
    ],
)
def test_english_people_by_class(text: str, names: set[str]) -> None:
    seen = " ".join(found(text))
    assert all(name in seen for name in names), found(text)


ENGLISH = ["oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PARTS = sorted(part for part in words("world_zh.txt") if len(part) == 2)


@given(st.sampled_from(PARTS), st.sampled_from(PARTS))
@settings(max_examples=60, deadline=None)
def test_two_parts_are_a_name_of_a_minority(first: str, second: str) -> None:
    assert is_world_name(first + second)


@given(st.text("0123456789", min_size=7, max_size=11), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_spelled_number_is_found_whole(digits: str, chinese: bool) -> None:
    if len(set(digits)) < 4:
        return
    said = (
        "".join("零幺二三四五六七八九"[int(d)] for d in digits)
        if chinese
        else " ".join(ENGLISH[int(d)] for d in digits)
    )  # fmt: skip
    text = f"号码是{said}。" if chinese else f"my number is {said}, thanks"
    covered = {n for span in detect(text) for n in range(span.start, span.stop)}
    place = text.index(said)
    wanted = {place + n for n, c in enumerate(said) if re.match(r"\w", c)}
    assert wanted <= covered or said in ("零幺二三四五六七八九",)
