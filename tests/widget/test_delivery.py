import base64
import gzip
import hashlib
import re
from pathlib import Path

import widget
from widget.delivery import bundle, modules

ROOT = Path(__file__).resolve().parents[2]

# A page that embeds the chat pays this once per visitor and version. Live chats in common use weigh 100 to 500 KB.
BUDGET_GZIP_BYTES = 20 * 1024

MODULES = sorted((ROOT / "widget").glob("*.js"))


def test_the_script_stays_within_its_budget():
    assert len(gzip.compress(bundle().source, 9)) <= BUDGET_GZIP_BYTES


def test_the_script_is_valid_without_being_a_module(run_tool, tmp_path):
    script = tmp_path / "widget.cjs"
    script.write_bytes(bundle().source)
    done = run_tool("node", "--check", str(script))
    assert done.returncode == 0, done.stdout


def test_the_same_modules_make_the_same_script():
    assert bundle() == bundle()


def test_the_hashes_are_those_of_the_script():
    made = bundle()
    assert made.sha256 == hashlib.sha256(made.source).hexdigest()
    assert made.path == f"/widget.{made.sha256[:12]}.js"
    assert made.integrity == "sha384-" + base64.b64encode(hashlib.sha384(made.source).digest()).decode()


def test_a_module_is_handed_out_as_it_stands_with_all_that_it_imports():
    handed = modules("markdown.js", "inline.js")
    assert handed.keys() == {"markdown.js", "inline.js"}
    assert all((ROOT / "widget" / name).read_bytes() == content for name, content in handed.items())


def test_every_module_is_in_the_script():
    source = bundle().source.decode()
    for module in MODULES:
        [name, *_] = re.findall(
            r"^export (?:async )?(?:function|class|const) (\w+)", module.read_text(), re.MULTILINE
        ) or ["whenParsed"]
        assert re.search(rf"^(?:async )?(?:function|class|const) {name}\b", source, re.MULTILINE), module.name


def test_no_module_builds_html_or_code_from_text_or_speaks_to_anyone_else():
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write|\beval\b|new Function|srcdoc"
        r"|\bfetch\(|XMLHttpRequest|sendBeacon|document\.cookie|setAttribute\(\"style\"|postMessage"
    )
    for module in MODULES:
        assert not forbidden.findall(module.read_text()), module.name


def test_only_the_style_holds_text_over_several_lines():
    """The linker drops the indentation of such text, which means nothing in CSS alone."""
    for module in MODULES:
        opened = re.findall(r"(?:[=(,+:?]|return) ?`$", module.read_text(), re.MULTILINE)
        assert not opened or module.name == "style.js", module.name


def test_the_package_names_what_it_offers():
    assert all(hasattr(widget, name) for name in widget.__all__)
