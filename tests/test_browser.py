"""A notice in a real browser: printed on A4 with nothing cut off, nothing fetched, and every Chinese sign drawn."""

import http.server
import re
import shutil
import subprocess
import threading
from datetime import date

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --no-pdf-header-footer"
).split()


def _has_chinese_fonts():
    if not shutil.which("fc-list"):
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout.strip())


pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; CI installs it"),
    pytest.mark.skipif(not shutil.which("pdftotext"), reason="no pdftotext here; CI installs it"),
    pytest.mark.skipif(not _has_chinese_fonts(), reason="no Chinese fonts here; CI installs them"),
]


def printed(page, folder):
    """Print a page to PDF in a browser of its own, and return the PDF's path."""
    pdf = folder / "page.pdf"
    profile = f"--user-data-dir={folder / 'profile'}"
    subprocess.run([CHROMIUM, *FLAGS, profile, f"--print-to-pdf={pdf}", page.as_uri()], check=True, timeout=120,
                   capture_output=True)  # fmt: skip
    return pdf


def told(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def notice(recorded, tmp_path):
    page = tmp_path / "notice.html"
    page.write_text(recorded.notices("2026-10", as_of=date(2026, 11, 20))[0].render("html"), encoding="utf-8")
    return page


def test_a_notice_prints_on_a4_with_every_sign_of_its_findings(notice, tmp_path):
    pdf = printed(notice, tmp_path)
    info = told("pdfinfo", str(pdf))
    assert re.search(r"Page size:\s+59[45].*A4", info)
    text = re.sub(r"\s", "", told("pdftotext", "-raw", str(pdf), "-"))
    for part in (
        "工作改进通知单",
        "草稿",
        "温度<5&压力>3|*超出*",
        "目录缺页",
        "收楼后一个月内建档",
        "洁净保洁",
        "一户一档",
    ):
        assert part in text, part
    assert not re.search("[\ufffd\u25a1]", text.replace("□已关闭", "").replace("□未关闭", ""))


def test_a_page_of_a_browser_asks_nobody_for_anything(notice, tmp_path):
    """A fault may hold any HTML; a server on this machine would see a request, and does see one from a bare page."""
    asked = []

    class Seen(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Seen)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    image = f'<img src="http://127.0.0.1:{server.server_port}/{{}}.png">'
    try:
        text = notice.read_text("utf-8")
        notice.write_text(text.replace("目录缺页", "目录缺页" + image.format("notice")), "utf-8")
        printed(notice, tmp_path)
        bare = tmp_path / "bare.html"
        bare.write_text(f"<p>{image.format('bare')}</p>", "utf-8")
        (tmp_path / "other").mkdir()
        printed(bare, tmp_path / "other")
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/bare.png"]
