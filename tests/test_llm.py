"""A real server with a language model that misbehaves: the visitor has a reply in time, and drafts only what holds."""

import asyncio

import pytest
from playwright.async_api import async_playwright, expect

from bench.llm import QUESTION, play, prepare
from tests.harness.llm_server import serving
from tests.harness.running import start

pytestmark = pytest.mark.slow

IN_TIME_S = 8.0
TRUE = "A refund takes five working days to reach your bank account"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("llm"))


@pytest.mark.parametrize(
    ("behaviour", "result", "drafted"),
    [
        ("valid", "worded", [f"{TRUE} [1]."]),
        ("partly_invented", "worded", [f"{TRUE} [1]."]),
        ("hang_before_headers", "no_first_token", []),
        ("hang_mid_stream", "timeout", [f"{TRUE} [1]."]),
        ("injected", "unsupported", []),
        ("internal_error", "failed", []),
    ],
)
def test_a_visitor_has_a_reply_in_time_and_sees_only_what_holds(place, behaviour, result, drafted):
    row = asyncio.run(play(behaviour, *place))
    assert row.reply_s < IN_TIME_S
    assert (row.result, list(row.drafts)) == (result, drafted)
    assert TRUE in row.text
    assert row.text.startswith(f"{TRUE} [1].") == (result == "worded")
    assert "/help/refunds#when-the-money-arrives)" in row.text
    assert "evil" not in row.text


@pytest.mark.browser
async def test_a_draft_is_seen_and_not_read_aloud_and_gives_way_to_the_reply(place, chromium_path, chromium_args):
    data, kb = place
    async with serving() as model, async_playwright() as playwright:
        settings = {"HANDRAIL_LLM": "openai:hang_mid_stream", "HANDRAIL_LLM_BASE_URL": model.base_url}
        settings |= {"HANDRAIL_LLM_API_KEY": "not-a-key", "HANDRAIL_ANSWER_CONFIDENCE": "0.5"}
        server = await asyncio.to_thread(start, data, kb=kb, settings=settings)
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=chromium_args)
        page = await browser.new_page()
        await page.goto(f"{server.url}/demo")
        await page.get_by_role("button", name="Open chat").click()
        await page.get_by_role("textbox", name="Your message").fill(QUESTION)
        await page.keyboard.press("Enter")
        draft = page.locator(".draft")
        await expect(draft).to_contain_text(f"{TRUE} [1].", timeout=20_000)
        await expect(draft).to_have_attribute("aria-hidden", "true")
        await expect(page.get_by_role("log")).to_contain_text("You get a mail when it is on its way", timeout=20_000)
        await expect(draft).to_be_hidden()
        await browser.close()
        assert await asyncio.to_thread(server.stop) == 0
