# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What handles, user names and numbers of bank accounts look like; `patterns.py` puts them into its table."""

from __future__ import annotations

import re

from pulsemind.data.drugs import drugs
from pulsemind.data.kinds import Row
from pulsemind.data.known_names import is_ordinary

_HANDLE_ZH = "V信|V号|微信|威信|薇信|v信|vx|wx|QQ|扣扣|抖音|小红书|快手|微博|支付宝|知乎|哔哩哔哩|B站|公众号|陌陌|探探|淘宝|钉钉|飞书|游戏|快手号|视频号|头条|贴吧|豆瓣|虎扑|闲鱼|拼多多|京东|美团|企鹅号|企业微信|企微|KakaoTalk|WhatsApp|Instagram|Facebook|Telegram|推特|脸书|Skype|登录名|用户名|登陆名|昵称|网名"
_HANDLE_EN = "wechat|weixin|instagram|insta|twitter|facebook|snapchat|telegram|tiktok|whatsapp|skype|discord|linkedin|youtube|reddit|user\\s?name|screen\\s?name|handle|kik|venmo|paypal|cash\\s?app|zelle|signal|viber|kakao(?:talk)?|threads|bluesky|mastodon|twitch|steam|gamertag|psn|xbox|pinterest|tumblr|strava|fitbit|mychart|patient\\s+portal|portal|zoom|teams|slack|weibo|qq|douyin|line|messenger|fb|login|log-in|log\\s+in|username|userid|user\\s?id|user"


def _is_no_field_name(value: str) -> bool:
    """Whether a part of words joined by lines is none of ordinary language, as in a handle."""
    return not all(is_ordinary(part) for part in value.split("_") if part)


def _is_no_clinical_token(value: str) -> bool:
    """Whether small letters and digits run together are no drug, dose, gene or time."""
    letters = re.sub(r"[^a-z]", "", value.lower())
    return (
        not re.search(r"(?:mg|mcg|ug|ml|iu|kg|cm|mm|hr|hrs|min|mmhg|bpm|units?)$", value)
        and not re.match(
            r"(?:cyp|slco|brca|hla|covid|sars|ncov|chr|rs|ca|cd|il|hpv|h\d|spo|fio|vit|mthfr|ugt|http|www)\w*\d",
            value.lower(),
        )
        and not any(True for _ in drugs(letters))
    )


ACCOUNTS: tuple[Row, ...] = (
    ("account", rf"(?i)(?<![A-Za-z])(?:{_HANDLE_ZH})(?!(?<=[A-Za-z])[A-Za-z])(?:号码?|ID|账号|昵称|名)?[\s:：是为叫]*(?P<v>@?[A-Za-z0-9_.-]{{4,}}[A-Za-z0-9_])"),
    ("account", rf"(?i)\b(?:{_HANDLE_EN})(?:\s+(?:as|at|id|name|account|handle))?(?:\s+is)?[\s:：]*(?P<v>@[\w.-]{{2,}}|(?=[a-z._-]*\d)[\w.-]{{4,}})"),
    ("account", r"(?<![A-Za-z0-9_@.])@(?!全体|所有人|大家)[\w一-龥]{2,12}?(?=发|里|上|$|[^\w])"),
    ("account", r"(?:昵称|网名|微信名|备注名?|群名片?|用户名|账号名?|名称|号叫|(?<![A-Za-z])ID)(?:是|叫|为|[:：])?\s*[\"“「『'《](?P<v>[^\"”」』'》\n]{1,20})[\"”」』'》]"),
    ("account", r"(?<![A-Za-z0-9@./_-])(?=[A-Za-z0-9_.]*\d)(?=[A-Z0-9_.]*[a-z])(?![cgmnpr]\.)[A-Za-z][A-Za-z0-9.]*_[A-Za-z0-9_.]*[A-Za-z0-9](?![A-Za-z0-9@])"),
    ("account", r"(?<![A-Za-z0-9@./_-])[a-z]{2,}[0-9]*_[a-z]{2,}[a-z0-9_]*(?![A-Za-z0-9@(])", _is_no_field_name),
    ("account", r"\d{1,2}:\d{2}(?:\s?[ap]m)?\]?\s*[-–]?\s*(?P<v>[a-z0-9]+[_.][a-z0-9_.]+)(?=\s?:)"),
    ("account", r"(?:操作员|操作人|登录人?|用户|账户|工号)\s*[:：]?\s*(?P<v>[a-z][a-z0-9._-]{3,20})(?![A-Za-z])"),
    ("account", r"(?<![A-Za-z0-9/])[ur]/[A-Za-z0-9_-]{3,25}"),
    ("account", r"(?<![\d.-])\d{4}(?:[ -]\d{4}){2,4}(?:[ -]?\d{1,4})?(?![\d]|\.\d)"),
    ("account", r"\b(?i:user|member|username|login|handle|posting\s+as|posted\s+by|alias|screen\s?name|nickname|nick)(?i:\s+(?:is|as|id|name))?[\s:]+[\"“']?(?P<v>@?(?=[A-Za-z0-9.-]*[_.\d])[A-Za-z][A-Za-z0-9_.-]{3,29}[A-Za-z0-9])"),
    ("account", r"(?:账号|帐号|用户名|我的号码?)(?:是|为|[:：])\s*(?P<v>(?=[A-Za-z_.-]*[\d_])[A-Za-z][A-Za-z0-9_.-]{4,})(?![A-Za-z0-9])"),
    ("account", r"(?i)\b(?:insta|snap|ig|tiktok|twitter|skype|discord|telegram|kik|venmo|username|handle|zoom)(?:\s*/\s*\w+)?\s*(?:(?:id|name|handle|account)\s*)?(?:\bis\b|[:=])\s*(?P<v>@?[a-z][\w.:-]{3,29}\w)"),
    ("account", r"(?<![\w@.])@[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])(?![\w@])"),
    ("account", r"(?:银行卡|信用卡|储蓄卡|卡号|账号|账户|帐号|帐户)(?:号码?)?[\s:：是为]*(?P<v>[A-Za-z0-9_@](?:[A-Za-z0-9_. -]{2,24}[A-Za-z0-9]))"),
    ("account", r"(?i)\b(?:account|card|iban)(?:\s*(?:number|no\.?|#|id))?(?:\s+is)?[\s:]*(?:[a-z ]{0,40}?\s)?(?P<v>@[\w.-]{3,}|(?-i:(?=[A-Z0-9 -]*\d{4})[A-Z0-9](?:[A-Z0-9 -]{4,30}[A-Z0-9])))"),
    ("account", r"(?<![A-Za-z0-9@./_-])(?P<v>[a-z]{4,}\d{3,}[a-z]{0,6}\d{0,4}|[a-z]{3,}\d{1,4}[a-z]{3,}\d{1,4})(?![A-Za-z0-9@/%-]|\.\d)", _is_no_clinical_token),
    ("account", r"(?:会员名?|用户名?|登[录陆]名?|账号名?|帐号名?|昵称|网名|(?<![A-Za-z])(?:ID|id)|账户名|用户|好友|群友|网友|楼主|博主|主播|up主|UP主|粉丝|关注|私信|艾特|备注)(?:是|叫|为|[:：])?\s?(?P<v>(?=[A-Za-z_.-]*[\d_])[A-Za-z][A-Za-z0-9_.-]{3,}[A-Za-z0-9])(?![A-Za-z0-9])"),
    ("account", r"(?:好友|群友|网友|昵称|网名|备注|群昵称|微信|微信名|抖音|小红书|快手|微博|知乎|账号|用户|会员|博主|楼主|主播|名叫|(?<![A-Za-z])(?:ID|id))(?:是|叫|为|名|[:：])?\s?[\"“「『'《【](?P<v>[^\"”」』'》】\n]{2,20})[\"”」』'》】]"),
    ("account", r"(?<![A-Za-z0-9_@.])@(?!全体|所有人|大家)[\w一-龥]{2,12}?(?=[说讲发问回答评转推在的里上和你您，。！？、：:；;\s]|$|[^\w])"),
    ("account", r"\b(?i:insta(?:gram)?|snap(?:chat)?|ig|tiktok|twitter|discord|telegram|kik|venmo|cash\s?app|username|user\s?name|user|handle|login|log-?in|gamertag|screen\s?name|alias|skype|facebook|fb|messenger|wechat|whatsapp|signal|portal(?:\s+(?:id|login|name))?|mychart|twitch|reddit|threads|bluesky)(?i:\s+(?:is|as|me|name|id|handle|account|user))*[\s:=(]{1,3}[\"“'@]?(?P<v>(?=[a-z0-9._-]*[a-z])[a-z0-9]+(?:[._-][a-z0-9]+)+|(?=[a-z]*\d)[a-z0-9]{4,30})(?![A-Za-z0-9@])"),
    ("account", r"(?<![\w@.])(?P<v>(?=[a-z0-9._]*[\d._])[a-z0-9][a-z0-9._]{3,28}[a-z0-9])(?=[\"”']?\s+(?:is|was)\s+(?:the|my|his|her|our|their)\s+(?:login|log-?in|user\s?name|handle|insta(?:gram)?|account|screen\s?name|id|portal|wechat|tag|gamertag))"),
    ("account", r"\b(?i:account|acct|a/c|card|iban|sort\s+code|routing|wallet|bank)(?i:\s*(?:number|no\.?|#|id|ending(?:\s+in)?|ends?\s+(?:in|with)|last\s+four|is|details))*[\s:#]{1,3}(?P<v>(?:\*|x|X|•)*\s?(?=[\d -]*\d{4})\d[\d -]{2,30}\d)(?![\d%]|\.\d)"),
)  # fmt: skip
"""Kind, pattern and check; group `v`, where there is one, is the value."""
