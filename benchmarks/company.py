"""The company that the engines are measured on: its checklist of 150 points, its portfolio and its policy, seeded."""

from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from qpi import definitions
from qpi.definitions import Definitions

ZONE = ZoneInfo("Asia/Shanghai")
SPECIALTIES = (("KF", "客服"), ("GC", "工程"), ("ZX", "秩序"), ("HJ", "环境"), ("XF", "消防"))
TYPES = ("residential", "commercial", "office")
YEAR = 2026


class Band(NamedTuple):
    """Points of every specialty that are asked for alike: how many of them, and what their group says."""

    name: str
    points: int
    group: dict[str, Any]
    score: str | None = None


BANDS = (
    Band("岗位", 2, {"methods": ["observe"], "frequency": {
        "supervisor": "1/day", "team_lead": "1/day", "department": {"every": "1/month", "share": "30%"}}}),
    Band("运行", 2, {"methods": ["observe", "records"], "sample": {"minimum": "2"}, "frequency": {
        "supervisor": "1/day", "department": {"every": "1/month", "share": "30%"}}}),
    Band("设施", 4, {
        "methods": ["observe", "measure", "operate"], "sample": {"minimum": "3"},
        "variants": [{"when": {"phase": ["handover"]}, "methods": ["measure", "operate"], "sample": {"minimum": "6"}}],
        "frequency": {
            "supervisor": "1/week", "team_lead": "1/week", "department": {"every": "1/month", "share": "30%"}},
    }, "10"),
    Band("服务", 2, {"methods": ["interview", "phone"], "sample": {"minimum": "2"}, "frequency": {
        "supervisor": "1/week", "team_lead": "1/week"}}, "5"),
    Band("客户", 2, {
        "methods": ["phone"], "scope": {"type": ["residential", "commercial"]}, "frequency": {
            "supervisor": "1/week", "team_lead": "1/week"}}),
    Band("档案", 12, {"methods": ["records"], "sample": {"minimum": "2"}, "frequency": {
        "supervisor": "1/month", "team_lead": "1/month", "project_lead": "1/month"}}, "2.5"),
    Band("管理", 6, {"except": {"type": ["office"]}, "frequency": {
        "supervisor": "1/month", "team_lead": "1/month", "project_lead": "1/quarter"}}),
)  # fmt: skip
"""Thirty points a specialty; they ask about 1,430 looks of a project a month."""


class Company(NamedTuple):
    """The definitions, and of each project in their order the code of its type, its opening and its changes of phase."""

    definitions: Definitions
    plain: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
    """Edition, portfolio and policy as `qpi.definitions.from_plain` reads them."""
    seed: int


def edition() -> dict[str, Any]:
    """Return the checklist; the code of a point counts through its specialty."""
    groups = []
    for prefix, specialty in SPECIALTIES:
        number = 0
        for band in BANDS:
            points = []
            for _ in range(band.points):
                number += 1
                score = {"score": band.score} if band.score else {}
                points.append({"code": f"{prefix}-{number:03d}", "text": f"{specialty}{band.name}{number}", **score})
            groups.append({"name": f"{specialty}{band.name}", "specialty": specialty, **band.group, "points": points})
    return {
        "catalogue": "company", "edition": "1", "title": "核查标准", "effective_from": f"{YEAR - 1}-01-01",
        "groups": groups,
    }  # fmt: skip


def portfolio(projects: int, seed: int) -> dict[str, Any]:
    """Return so many projects: most residential, one in fifty opened within the year, one in twenty handed over in it."""
    random = np.random.default_rng([seed, 0])
    types = random.choice(len(TYPES), projects, p=(0.7, 0.15, 0.15))
    opens, hands = random.integers(0, 100, projects) < 2, random.integers(0, 100, projects) < 5
    months, regions = random.integers(1, 13, projects), random.integers(0, 20, projects)
    found = []
    for number in range(projects):
        start = f"{YEAR}-{months[number]:02d}-01"
        attributes = {"type": TYPES[types[number]], "region": f"R{regions[number]:02d}", "phase": "running"}
        project: dict[str, Any] = {"id": f"P{number:05d}", "name": f"项目{number:05d}", "attributes": attributes}
        if opens[number]:
            project["opened"] = start
        elif hands[number]:
            attributes["phase"] = "handover"
            project["changes"] = [{"from": start, "attributes": {"phase": "running"}}]
        found.append(project)
    return {"projects": found}


POLICY: dict[str, Any] = {"counts_for_duty": ["routine", "special"]}
"""Mystery visits fulfil no duty, so that the counts have a condition to look at."""


def company(projects: int, seed: int = 1) -> Company:
    """Return a company of so many projects."""
    plain = (edition(), portfolio(projects, seed), POLICY)
    return Company(definitions.from_plain([plain[0]], *plain[1:], zone=ZONE), plain, seed)
