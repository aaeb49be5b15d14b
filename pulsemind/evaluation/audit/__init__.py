"""The judge's audit: how far its verdicts can be believed (SPEC 6, P Tables 2 and 3).

`results` is the shape of `metrics/audit.json`, `biases` tests the verdicts, `consistency` compares
them with experts, `scores` asks what absolute scores tell apart, `sample` and `experts` are the
way to the experts and back, `table` is the page of Markdown.
"""
