"""What the tests of several houses share: the browser."""

import os
import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium_path():
    """The installed Chromium or Chrome. Without one the test is skipped, loudly; in CI it fails."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"NO BROWSER: none of {', '.join(BROWSERS)} is on the PATH; install Chromium, for instance by `make test` as root"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return found


@pytest.fixture(scope="session")
def chromium_args():
    """Flags that keep the browser still: no window, no sandbox (root cannot have one), no request of its own."""
    return [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
