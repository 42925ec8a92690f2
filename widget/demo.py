"""Demo page: shows the widget on a site of nobody's."""

from html import escape
from importlib.resources import files
from string import Template

# The page needs its style sheet, the script and the socket, and nothing else in the world.
DEMO_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def demo_page(*, script_url: str = "/widget.js", css_url: str = "/demo.css", site: str = "default") -> str:
    """The demo as one HTML document. Its addresses and the site are escaped; deliver it under DEMO_CSP."""
    template = Template(files(__package__).joinpath("demo.html").read_text(encoding="utf-8"))
    return template.substitute(script_url=escape(script_url), css_url=escape(css_url), site=escape(site))


def demo_css() -> bytes:
    """The demo's style sheet, UTF-8."""
    return files(__package__).joinpath("demo.css").read_bytes()
