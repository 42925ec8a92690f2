"""The chat widget: plain ES modules, delivered as one classic script without a build step."""

from widget.delivery import Bundle, bundle, modules
from widget.demo import DEMO_CSP, demo_css, demo_page
from widget.linker import LinkError, link

__all__ = ["DEMO_CSP", "Bundle", "LinkError", "bundle", "demo_css", "demo_page", "link", "modules"]
