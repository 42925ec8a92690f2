import pytest

from widget.linker import LinkError, link, needed


def linked(**modules):
    return link({f"{name}.js": text for name, text in modules.items()}, "main.js")


def test_a_module_stands_after_what_it_imports():
    script = linked(
        main='import { b } from "./one.js";\nb();\n',
        one='import { a } from "./two.js";\nexport function b() {\n  return a;\n}\n',
        two="export const a = 1;\n",
    )
    assert script == '(()=>{"use strict";\nconst a = 1;\nfunction b() {\nreturn a;\n}\nb();\n})();\n'


def test_a_module_that_two_import_stands_once():
    script = linked(
        main='import { a } from "./one.js";\nimport { b } from "./two.js";\n',
        one='import { c } from "./three.js";\nexport const a = c;\n',
        two='import { c } from "./three.js";\nexport const b = c;\n',
        three="export const c = 7;\n",
    )
    assert script.count("const c = 7;") == 1


def test_of_many_modules_those_are_needed_that_one_imports_directly_or_not():
    sources = {
        "main.js": 'import { a } from "./one.js";\n',
        "one.js": 'import { b } from "./two.js";\nexport const a = b;\n',
        "two.js": "export const b = 1;\n",
        "three.js": "export const c = 1;\n",
    }
    assert needed(sources, "main.js") == ["two.js", "one.js", "main.js"]
    with pytest.raises(LinkError):
        needed(sources, "four.js")


def test_comments_are_left_out_where_they_cannot_be_part_of_a_string():
    script = linked(
        main='/**\n * Story.\n * @param {string} a\n */\n// why\nconst a = "// text /* */"; // end\nconst b = "; // c";\n'
        "const c = 1; // the page's\n"
    )
    assert script == '(()=>{"use strict";\nconst a = "// text /* */";\nconst b = "; // c";\nconst c = 1;\n})();\n'


def test_types_before_code_are_left_out_and_the_code_is_not():
    script = linked(
        main="/** @type {number[]} */ const a = [];\nlet b = /** @type {{x: number} | null} */ (a);\n/** @type {any} */\nlet c;\n"
    )
    assert script == '(()=>{"use strict";\nconst a = [];\nlet b = (a);\nlet c;\n})();\n'


@pytest.mark.parametrize(
    "line",
    [
        'import a from "./one.js";',
        'import * as a from "./one.js";',
        'import { a as b } from "./one.js";',
        'import {a} from "./one.js";',
        'import "./one.js";',
        'import { a } from "one";',
        'import { a } from "../one.js";',
        "export default 1;",
        "export { a };",
        'export * from "./one.js";',
        "export let { a } = b;",
        'const a = await import("./one.js");',
        "const a = import.meta.url;",
        'const a = require("one");',
        "import {",
        "  export const a = 1;",
    ],
)
def test_a_form_that_is_not_understood_is_an_error_that_names_it(line):
    with pytest.raises(LinkError) as caught:
        linked(main=f"{line}\n", one="export const a = 1;\n")
    assert str(caught.value) == f"widget/main.js: this form of import or export is not understood: {line.strip()!r}"


def test_an_import_of_what_is_not_exported_is_an_error():
    with pytest.raises(LinkError, match=r"widget/main.js: one.js does not export it: 'a'"):
        linked(main='import { a } from "./one.js";\n', one="const a = 1;\n")


def test_an_import_of_a_missing_module_is_an_error():
    with pytest.raises(LinkError, match=r"widget/main.js: there is no such module: 'gone.js'"):
        linked(main='import { a } from "./gone.js";\n')


def test_a_circle_is_an_error():
    with pytest.raises(LinkError, match=r"widget/one.js: modules import each other in a circle: 'main.js'"):
        linked(
            main='import { a } from "./one.js";\nexport const b = 1;\n',
            one='import { b } from "./main.js";\nexport const a = b;\n',
        )


def test_a_name_that_two_modules_declare_is_an_error():
    with pytest.raises(LinkError, match=r"widget/main.js: one.js declares the same name: 'helper'"):
        linked(
            main='import { a } from "./one.js";\nfunction helper() {}\na();\n',
            one="function helper() {}\nexport function a() {\n  helper();\n}\n",
        )


def test_names_within_functions_do_not_clash():
    linked(
        main='import { a } from "./one.js";\nfunction b() {\n  const x = a;\n}\n',
        one="export function a() {\n  const x = 1;\n}\n",
    )
