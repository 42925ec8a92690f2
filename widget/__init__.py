"""The chat widget: plain ES modules, delivered as one classic script without a build step."""

from widget.delivery import Bundle, bundle, modules
from widget.demo import DEMO_CSP, demo_css, demo_page

__all__ = ["DEMO_CSP", "Bundle", "bundle", "demo_css", "demo_page", "modules"]
