"""What the check found: on the report's page, in the queue, and explained."""

import re

import pytest
from playwright.sync_api import expect
from programs import REPOSITORY_ROOT

from desk import texts
from desk.inspect import foreign_elements
from desk.pages import Desk, NewDesk
from desk.service import Service

EXAMPLE = (REPOSITORY_ROOT / "reports-repo-template" / "EXAMPLE.md").read_text(encoding="utf-8")


def spoiled(old: str, new: str) -> str:
    """Return the example with one piece of it replaced."""
    assert old in EXAMPLE
    return EXAMPLE.replace(old, new, 1)


def test_report_page_tells_risk_verdicts_and_each_finding(desk: Desk, service: Service) -> None:
    report = service.submit(report_data=texts.six_phases("mcp-parking"))
    found = service.api.get(f"/reports/{report['id']}/assessment").json()
    desk.open_report(report)
    expect(desk.found).to_contain_text("Medium risk")
    for phase in found["phases"]:
        line = desk.found.locator("ol.phases > li").nth(phase["number"] - 1)
        expect(line).to_contain_text(phase["name"])
        expect(line).to_contain_text(phase["verdict"].replace("_", " "), ignore_case=True)
    assert desk.findings.count() == len(found["findings"]) > 0
    desk.found.locator("summary").click()
    for number, finding in enumerate(found["findings"]):
        item = desk.findings.nth(number)
        expect(item).to_be_visible()
        expect(item).to_contain_text(finding["severity"], ignore_case=True)
        expect(item).to_contain_text(f"line {finding['line']}")
        rule = item.locator("a.rule")
        expect(rule).to_have_attribute("href", f"/rules#{finding['rule']}")


def test_finding_leads_to_its_place_in_the_text(desk: Desk, service: Service) -> None:
    # A link to nowhere, deep in the report.
    text = spoiled("\n## Phase 5:", "\n[There](#nowhere-at-all)\n\n## Phase 5:")
    report = service.submit(report_data=text)
    desk.open_report(report)
    line = text.split("\n").index("[There](#nowhere-at-all)") + 1
    link = desk.findings.get_by_role("link", name=f"line {line}", exact=True)
    anchor = link.get_attribute("href")
    assert anchor is not None
    link.click()
    heading = desk.text.locator(f"[id='{anchor.removeprefix('#')}']")
    expect(heading).to_be_in_viewport()
    above = [part for part in text.split("\n")[:line] if re.match(r"#{2,4} ", part)][-1]
    expect(heading).to_contain_text(above.lstrip("# "))


def test_rule_of_a_finding_is_explained(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open_report(report)
    rule = desk.findings.first.locator("a.rule")
    name = rule.inner_text()
    rule.click()
    explained = desk.page.locator(f"li[id='{name}']")
    expect(explained).to_be_in_viewport()
    expect(explained.locator("h2")).to_contain_text(name)
    for part in ("Not so", "But so"):
        expect(explained).to_contain_text(part)
    ids: list[str] = desk.page.locator("#rules > li").evaluate_all("rules => rules.map(r => r.id)")
    assert len(ids) == len(set(ids)) > 10


@pytest.mark.parametrize("scripts", [True, False])
def test_queue_is_narrowed_by_risk_and_findings(
    scripts: bool, new_desk: NewDesk, service: Service
) -> None:
    desk = new_desk(service, java_script_enabled=scripts)
    medium = service.submit("mcp-medium", report_data=texts.six_phases("mcp-medium"))
    empty = service.submit("mcp-empty")
    decided = service.submit("mcp-decided")
    service.decide(decided, "rejected", "No.")

    desk.open()
    expect(desk.mark(medium)).to_contain_text("Medium risk")
    expect(desk.mark(medium)).to_contain_text(re.compile(r"\d+ (error|warning)"))
    expect(desk.mark(empty)).to_contain_text("No risk named")
    desk.page.locator("select[name=risk]").select_option("medium")
    with desk.page.expect_navigation():
        desk.page.get_by_role("button", name="Show").click()
    assert "risk=medium" in desk.page.url
    assert desk.listed() == [medium["id"]]
    expect(desk.page.locator("select[name=risk]")).to_have_value("medium")

    desk.open("/?risk=none&findings=errors")
    assert desk.listed() == [empty["id"]]
    for name, count in [("Pending", "1"), ("Rejected", "1"), ("All", "2")]:
        expect(desk.tab(name).locator(".count")).to_have_text(count)
    with desk.page.expect_navigation():
        desk.tab("All").click()
    assert set(desk.listed()) == {empty["id"], decided["id"]}
    assert "risk=none" in desk.page.url
    desk.open("/?findings=none")
    expect(desk.rows).to_have_count(0)
    with desk.page.expect_navigation():
        desk.page.locator("main").get_by_role("link", name=re.compile("^clear", re.I)).first.click()
    expect(desk.rows).to_have_count(2)


def test_pages_of_a_narrowed_queue_follow_one_another(desk: Desk, service: Service) -> None:
    expected = [service.submit(f"mcp-{number:02}")["id"] for number in range(60)]
    service.submit("mcp-medium", report_data=texts.six_phases("mcp-medium"))
    desk.open("/?risk=none")
    seen = desk.listed()
    with desk.page.expect_navigation():
        desk.page.locator("a[rel=next]").click()
    assert "risk=none" in desk.page.url
    assert sorted(seen + desk.listed()) == sorted(expected)


def test_what_a_finding_quotes_is_text(desk: Desk, service: Service) -> None:
    hostile = "<img src=x onerror=alert(1)>`</code><script>alert(2)</script>\u202eevil"
    for number, text in enumerate(
        [
            f"**MCP Server Name:** {hostile}\n**Repository:** {hostile}\n",
            f"# {hostile}\n\n## Phase 1: {hostile}\n\n[x](#{hostile})\n\n- [x] {hostile}\n",
            EXAMPLE.replace("PASS", hostile).replace("LOW", hostile),
        ]
    ):
        report = service.submit(f"mcp-{number}", report_data=text)
        desk.open_report(report)
        desk.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert desk.findings.count() > 0
        assert foreign_elements(desk.page) == []


def test_report_in_which_nothing_is_found_says_so(desk: Desk, service: Service) -> None:
    def field(label: str) -> str:
        found = re.search(rf"^\*\*{label}:\*\* <?([^>\n]+)>?$", EXAMPLE, re.M)
        assert found is not None
        return found[1].strip()

    report = service.submit(
        field("MCP Server Name"), repository_url=field("Repository"), report_data=EXAMPLE
    )
    desk.open_report(report)
    expect(desk.found).to_contain_text("no findings")
    expect(desk.findings).to_have_count(0)
    desk.open("/?findings=none")
    assert desk.listed() == [report["id"]]
