"""Does the physician ask? The rules against sentences labelled by hand before they were run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.data.asking import asks

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "remedi"

ASKS = """
您头痛多久了？
发烧吗？
请问孩子多大了
有没有恶心呕吐
体温最高多少度？
疼痛是持续性的还是一阵一阵的？
之前做过什么检查吗？
你好，能把化验单拍清楚一点发给我看看吗？
最近饮食睡眠怎么样
有无药物过敏史
吃了什么药
月经什么时候来的
大便什么颜色的
那您晚上咳嗽厉害吗
哪里不舒服？
您是做什么工作的呢？
家里有人得过糖尿病吗
请描述一下疼痛的位置
请您详细说说发病的经过。
血压平时是多少呢？
痛不痛
伤口有红肿热痛没有
饭后加重还是空腹加重？
考虑是胃炎。平时吃辣多吗？
先做个血常规。另外，有没有咳痰？
您对青霉素过敏吗？
是否抽烟喝酒？
孩子精神状态如何？
您好，这种情况出现几天了
宝宝拉了几次，大便里有没有血丝
咳嗽有痰么
手术是什么时候做的？
麻烦您告诉我具体吃的是哪种药
怀孕几周了
这个症状以前有过吗？平时注意休息。
你这次是外伤引起的吗？
疼的时候会不会放射到左肩
还有其他不舒服吗？
How long have you had this cough?
Do you have any allergies?
Is the pain sharp or dull?
Any fever or chills
Any blood in your stool?
Please tell me when it started.
Have you taken anything for it
What medicines are you taking?
Does it hurt when you breathe in?
Could you describe the pain?
I see. And how is your appetite?
Where does it hurt?
Has anyone in your family had diabetes?
Okay, so are you still smoking
When did the swelling start?
How many times did you vomit yesterday
Let me know what the thermometer says.
Did you fall on that knee, or was it twisted?
Can you bend the knee?
Anything else you are taking for it?
How severe is the pain on a scale of one to ten?
This looks like asthma. Do you wheeze at night?
Are your periods regular?
And what about sleep?
Which side hurts more?
What did the last scan show?
Was there any numbness?
您平时抽烟吗
有过敏的药物没
疼得厉害不
片子带来了吗？我看看。
喝酒不喝？
这次月经推迟了几天
先别吃药，血糖测了多少
您家孩子打过疫苗了吧？
How are you feeling today?
Both knees or just one?
Has the rash spread
You mentioned chest pain, is it worse at night?
Your weight?
"""

DOES_NOT = """
建议您去医院查一下是否有感染。
多喝水，注意休息。
没什么大问题，不用担心。
这个药不管多久都可以吃。
为什么会这样？因为胃酸分泌过多。
按时吃药，好吗？
还有什么可以帮您的吗？
请做心电图检查，看看有没有心肌缺血。
头孢可以不吃的呢
这种情况多少会有点疼。
如果发烧超过三天，请马上就诊。
您问的“会不会传染？”，一般不会传染。
祝您早日康复。
什么时候方便都可以来复查。
明白了，这支持高血压的判断。
这个病没有特效药。
哪个药都行，关键是坚持。
检查结果没有异常
不疼就不用吃药了。
需要根据是否怀孕来决定用药。
几天后就会好的。
考虑踝骨骨折。建议做踝关节X光，可用布洛芬0.2g。
要观察伤口有没有渗血。
一般用药两周，停药前请复查。
您不要这么紧张。
怎么都不会影响怀孕的。
高血压是什么原因引起的呢？主要与遗传和饮食有关。
胃炎怎么治疗？首先要规律饮食，其次可以用抑酸药。
应该明确是什么病再用药。
先这样处理，明白吗？
体温降下来就没事了，放心吧
具体要看是哪种类型的肺炎
The cough should settle within two weeks.
Take one tablet when you feel pain.
Please have a chest X-ray and use amoxicillin 500 mg.
Any fever above 39 should be seen at once.
Come back if you notice what looks like blood.
You asked "is it contagious?", and it is not.
What causes gastritis? Usually a bacterium or painkillers.
Is there anything else I can help you with?
Rest the knee for a week, okay?
Check whether the wound is dry every day.
I will see how you are doing next week.
Do not stop the tablets on your own.
When you shower, keep the dressing dry.
Let me know if it gets worse.
Thank you, that supports overactive thyroid.
Have the blood test repeated in a month.
It depends on how long the swelling lasts.
There is no need to worry about that.
Do the exercises twice a day.
How can you prevent it? Wash your hands and avoid raw food.
Have a good rest.
Can be taken with food.
Are usually harmless, these small cysts.
Why don't we repeat the test next week?
Never change the dose yourself.
Does that make sense?
多久复查一次要看恢复情况。
有没有效果因人而异。
别担心，哪有那么严重。
是否手术由您决定。
什么药都不用吃
没有必要做CT。
Do keep the wound dry.
What you describe fits a migraine.
How it spreads is not known.
Whether to operate is your choice.
Is often caused by stress.
Would you please take a seat.
"""


def sentences(block: str) -> list[str]:
    return block.strip().splitlines()


def measure(labelled: list[tuple[str, bool]]) -> tuple[float, float, list[str]]:
    """Precision, recall, and the sentences that came out wrong."""
    found = {text: asks(text) for text, _ in labelled}
    hits = sum(found[text] for text, label in labelled if label)
    precision = hits / max(1, sum(found.values()))
    recall = hits / max(1, sum(label for _, label in labelled))
    return precision, recall, [text for text, label in labelled if found[text] != label]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_precision_and_recall_on_labelled_sentences(language: str) -> None:
    labelled = [(t, True) for t in sentences(ASKS)] + [(t, False) for t in sentences(DOES_NOT)]
    assert len(labelled) >= 80
    chosen = [
        (t, y) for t, y in labelled if bool(re.search("[\u4e00-\u9fff]", t)) == (language == "zh")
    ]
    precision, recall, wrong = measure(chosen)
    assert precision >= 0.95, wrong
    assert recall >= 0.95, wrong


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no shared/data beside the repo")
def test_real_chat_turns_with_labels_of_others() -> None:
    """ReMeDi's dialogue acts, 92 turns of real chats without much punctuation. Their labels were
    made with the dialogue at hand and some are wrong, hence the lower bound."""
    text = (SAMPLES / "dev_human_annotation.txt").read_text(encoding="utf-8")
    pattern = re.compile(
        r"<\|action\|>(.*?)<\|endofaction\|>.*?<\|response\|>(.*?)<\|endofresponse"
    )
    rows = [m.groups() for m in map(pattern.search, text.splitlines()) if m]
    assert len(rows) > 80
    precision, recall, _ = measure([(reply, "Inquire" in act) for act, reply in rows])
    assert precision >= 0.85
    assert recall >= 0.85


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    assert asks(text) in (True, False)


@given(st.sampled_from(sentences(ASKS)), st.sampled_from(("多喝水。", "Rest well. ", "考虑胃炎。")))
def test_advice_before_a_question_hides_nothing(question: str, advice: str) -> None:
    assert asks(advice + question) == asks(question)
