"""Colours can be told apart by everybody, and nothing depends on scripts or on motion."""

import pytest

from console_browser import log_in

CONTRAST = """
() => {
  const lit = ([r, g, b]) => {
    const part = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const numbers = text => text.match(/[0-9.]+/g).map(Number);
  const ground = node => {
    for (let each = node; each; each = each.parentElement) {
      const colour = numbers(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some(c => c.nodeType === 3 && c.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest("svg, option")) continue;
    const ink = numbers(getComputedStyle(node).color);
    const [one, other] = [lit(ink), lit(ground(node))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const text = node.textContent.trim().slice(0, 30);
    if (ratio < 4.5) poor.push(`${node.className} ${text} ${ratio.toFixed(2)}`);
  }
  return [...new Set(poor)];
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/requests", "/overview", "request", "/traces"])
def test_text_has_the_contrast_that_the_guidelines_ask_for(seeded, new_page, theme, path):
    """4.5 to 1 (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""
    page = new_page(1280, theme).page
    log_in(page, seeded.console)
    call = seeded.calls["failover"]
    page.goto(seeded.console.url + (f"/requests/{call.request_id}" if path == "request" else path))

    assert page.evaluate(CONTRAST) == []


def test_pages_work_without_scripts(seeded, new_page):
    """A login by the button, a list, a filter by its button, a request."""
    page = new_page(java_script_enabled=False).page

    page.goto(seeded.console.login_link())
    page.click("button:has-text('Log in')")
    page.select_option("select[name=outcome]", "failure")
    page.click("text=Apply")
    page.locator(".row-link").first.click()

    assert "Why it took this path" in page.content()


def test_nothing_moves_for_who_wants_no_motion(seeded, new_page):
    """`prefers-reduced-motion`."""
    page = new_page(reduced_motion="reduce").page
    log_in(page, seeded.console)

    name = page.evaluate(
        "() => { const row = document.querySelector('.row'); row.classList.add('is-fresh');"
        " return getComputedStyle(row).animationName; }"
    )
    assert name == "none"
