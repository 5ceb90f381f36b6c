"""Fixtures that several tests share."""

import json
import os

import pytest
from hypothesis import settings

import servers
from qpi.workspace import Workspace

# CI tries the same examples each time, so that a change is judged by what it changes; a person's run tries new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("QPI_CI"):
    settings.load_profile("ci")

QPI = """\
organisation: 示例物业
timezone: Asia/Shanghai
"""
EDITION = """\
catalogue: service
edition: "2026.1"
title: 物业项目现场业务质量绩效指标
effective_from: 2026-01-01
groups:
  - name: 建立客户档案
    specialty: 客服
    category: 客户档案
    methods: [records]
    sample: {of: 客户档案, minimum: 2}
    frequency: {supervisor: 1/month, department: {every: 1/quarter, share: 50%}}
    points:
      - {code: KF-001, text: 收楼后一个月内建档, score: 10}
      - {code: KF-002, text: 业主档案要件齐全, score: 2.5, elements: [{no: 1, text: 登记表}]}
"""
PORTFOLIO = """\
projects:
  - {id: P01, name: 桃园, attributes: {region: 华南}}
  - {id: P02, name: 江畔, attributes: {region: 华东}}
people: [{id: S01, name: 周明}, {id: S02, name: 李静}, {id: M01, name: 王芳}]
parties: [{id: BJ, name: 洁净保洁, kind: contractor}]
posts:
  - {role: project_lead, project: P01, person: M01}
  - {role: department, person: S02}
"""
CHECKS = [
    {"id": "c-1", "project": "P01", "point": "KF-001", "role": "supervisor", "inspector": "S01", "place": "客服中心",
     "checked_at": "2026-10-05T09:30:00+08:00", "method": "records", "sample": ["3-1201", "3-1504"],
     "strengths": ["一户一档"],
     "findings": [
         {"kind": "deduction", "fault": "温度<5 & 压力>3 | *超出*", "advice": "补登", "handling": "当月补齐",
          "responsible": "BJ", "deduct": 2.5, "fine": 100, "due": "2026-10-12", "verify_on": "2026-10-15"},
         {"kind": "suggestion", "fault": "目录缺页", "deduct": 0.25}]},
    {"id": "c-2", "project": "P02", "point": "KF-002", "role": "supervisor", "kind": "special",
     "checked_at": "2026-10-06T10:00:00+08:00",
     "findings": [{"kind": "rectification", "element": 1, "responsible": "BJ"}]},
    {"id": "c-3", "project": "P01", "point": "KF-002", "role": "supervisor", "checked_at": "2026-10-07T10:00:00+08:00"},
    {"finding": "c-1/1", "verifier": "S02", "verified_at": "2026-10-15T10:00:00+08:00", "outcome": "open", "note": "未补"},
    {"finding": "c-1/1", "verifier": "S02", "verified_at": "2026-10-20T10:00:00+08:00", "outcome": "closed"},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A workspace's folder with definitions and no ledger."""
    (tmp_path / "checklists").mkdir()
    (tmp_path / "qpi.yaml").write_text(QPI, encoding="utf-8")
    (tmp_path / "checklists" / "service-2026.1.yaml").write_text(EDITION, encoding="utf-8")
    (tmp_path / "portfolio.yaml").write_text(PORTFOLIO, encoding="utf-8")
    return tmp_path


@pytest.fixture
def recorded(folder):
    """The workspace with five records in its ledger."""
    from qpi.entries import Actor
    from qpi.recorder import Recorder
    from support import NOW, drafts

    workspace = Workspace(folder)
    with workspace.ledger(create=True, now=NOW) as ledger:
        Recorder(ledger, workspace.definitions, actor=Actor("test"), clock=lambda: NOW).record(drafts(CHECKS))
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in CHECKS)
    (folder / "records.jsonl").write_text(lines, encoding="utf-8")
    return workspace


@pytest.fixture(scope="session")
def server():
    """The URL of a PostgreSQL server's superuser; the tests that need one are skipped where none can be had."""
    running = servers.running()
    try:
        url = running.__enter__()
    except servers.NoServer as reason:
        pytest.skip(str(reason))
    yield url
    running.__exit__(None, None, None)


@pytest.fixture
def schema(server):
    """The URL of the owner of an empty schema in PostgreSQL."""
    url = servers.new_schema(server)
    yield url
    servers.drop_schema(server, url)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """A place for a ledger where there is none yet: a file, then a schema in PostgreSQL."""
    return tmp_path / "qpi.db" if request.param == "sqlite" else request.getfixturevalue("schema")


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request, folder):
    """A workspace's folder whose ledger is to be kept in a file, then one whose ledger is to be in PostgreSQL."""
    if request.param == "postgresql":
        config, url = folder / "qpi.yaml", request.getfixturevalue("schema").render_as_string(hide_password=False)
        config.write_text(f"{config.read_text('utf-8')}ledger: {url}\n", "utf-8")
    return folder
