"""Terms: the one table of Chinese names for fields, values and indicators."""

from collections.abc import Mapping

from qpi.messages import Message, say
from qpi.policy import INDICATORS

CHECK_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("编号", "核查编号"),
    "project": ("项目", "项目编号"),
    "point": ("核查点", "代码"),
    "role": ("核查层级", "层级"),
    "inspector": ("核查人",),
    "kind": ("核查类型",),
    "checked_at": ("核查时间",),
    "place": ("地点", "核查地点"),
    "method": ("核查方法", "核查方式"),
    "sample": ("样本", "抽样"),
    "population": ("总数", "样本总数"),
    "evidence": ("证据", "照片"),
    "result": ("结果", "核查结果"),
    "reason": ("原因", "不适用原因"),
    "readings": ("读数", "实测值"),
    "elements": ("细项",),
    "visit": ("走访",),
    "started": ("开始时间",),
    "ended": ("结束时间",),
    "companions": ("陪同人",),
    "position": ("位置",),
    "weather": ("天气",),
    "strengths": ("亮点",),
    "theme": ("专项主题", "主题"),
    "rechecks": ("复查",),
    "plan": ("计划",),
    "finding.no": ("问题项序号",),
    "finding.kind": ("问题项类别", "问题项类型"),
    "finding.fault": ("问题事实", "问题描述"),
    "finding.class": ("原因分类",),
    "finding.element": ("问题项细项",),
    "finding.advice": ("整改意见",),
    "finding.handling": ("处理意见",),
    "finding.responsible": ("责任人",),
    "finding.deduct": ("扣分值",),
    "finding.fine": ("扣款",),
    "finding.due": ("整改期限",),
    "finding.verify_on": ("二次验证日期",),
    "finding.place": ("问题地点",),
    "finding.sample": ("问题样本",),
    "finding.evidence": ("问题证据",),
}
"""Columns of a file of checks, each with the Chinese names that it also goes by."""

VERIFICATION_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "finding": ("问题项", "问题项编号"),
    "verifier": ("验证人",),
    "verified_at": ("验证时间",),
    "outcome": ("验证结果",),
    "note": ("说明", "验证说明"),
    "evidence": ("证据", "照片"),
    "verify_on": ("下次验证日期",),
}
"""Columns of a file of second verifications."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "kind": {"日常": "routine", "例行": "routine", "日常核查": "routine", "例行核查": "routine", "日常(例行)核查": "routine",
             "专项": "special", "专项核查": "special", "暗访": "mystery"},
    "finding.kind": {"建议项": "suggestion", "整改项": "rectification", "扣分项": "deduction",
                     "建议": "suggestion", "整改": "rectification", "扣分": "deduction"},
    "outcome": {"已关闭": "closed", "关闭": "closed", "未关闭": "open"},
    "result": {"不适用": "na"},
    "elements": {"合格": "pass", "不合格": "fail", "不适用": "na"},
}  # fmt: skip
"""Chinese values of the fields that take a fixed set of words."""


def choice(field: str) -> Message | None:
    """Return the remedy for an unknown Chinese value: the words of a field, each with its Chinese one."""
    titles: dict[str, str] = {}
    for chinese, word in VALUES.get(field, {}).items():
        titles.setdefault(word, chinese)
    words = ", ".join(f"{word} {title}" for word, title in titles.items())
    return say("write one of {choice}", choice=words) if len(titles) > 1 else None


INDICATOR_TITLES: Mapping[str, str] = dict(
    zip(
        INDICATORS,
        ("覆盖率", "频次完成率", "二次验证关闭率", "关闭率(三类)", "按时验证率", "可追溯率", "核查方式符合率",
         "建议项比率", "整改项比率", "扣分项比率", "得分率"),
        strict=True,
    )
)  # fmt: skip
GROUPING_TITLES: Mapping[str, str] = {
    "project": "项目",
    "role": "核查层级",
    "specialty": "专业",
    "category": "类别",
    "month": "月份",
    "inspector": "核查人",
    "kind": "核查类型",
}
"""Heads of the groupings of every table; an attribute of projects goes by its own name."""
SOURCE_NUMBERS: Mapping[str, str] = {
    "coverage": "1",
    "closure": "3",
    "frequency_completion": "4",
    "traceability": "5",
    "method_conformity": "6",
    "suggestion_ratio": "7",
    "rectification_ratio": "7",
    "deduction_ratio": "7",
}
"""The number under which the source names an indicator; it counts the denominator of coverage as its second."""


def field_title(name: str) -> str:
    """Return the Chinese name of a field of a check or finding, as a file may have it, or the name where it has none."""
    if name == "sample_or_evidence":
        return "样本或证据"
    return next(iter(CHECK_COLUMNS.get(name) or CHECK_COLUMNS.get(f"finding.{name}") or (name,)))


def names(columns: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the field that every English and Chinese name of a column stands for."""
    return {name: field for field, chinese in columns.items() for name in (field, *chinese)}
