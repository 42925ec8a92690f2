import re

from widget.demo import DEMO_CSP, demo_css, demo_page


def test_the_page_loads_the_script_it_is_given():
    page = demo_page(script_url="/widget.0123456789ab.js", css_url="/d.css", site="shop")
    assert '<script src="/widget.0123456789ab.js" data-site="shop" data-title="Help" data-locale="en" defer>' in page
    assert '<link rel="stylesheet" href="/d.css">' in page


def test_addresses_and_site_cannot_break_out_of_their_attributes():
    page = demo_page(site='"><script>alert(1)</script>')
    assert "<script>alert" not in page
    assert "&quot;&gt;&lt;script&gt;" in page


def test_the_page_works_under_its_policy():
    page = demo_page()
    assert not re.search(r"<style|style=|\son\w+=|<script>|javascript:|https?://(?!your-server)", page)
    assert "unsafe" not in DEMO_CSP


def test_the_style_sheet_loads_nothing():
    assert not re.search(rb"@import|url\(", demo_css())
