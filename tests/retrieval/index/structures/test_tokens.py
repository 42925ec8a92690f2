import unicodedata

import pytest

from retrieval.index.structures.tokens import WORD, words, words_and_compounds


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Where are my Parcels?", ["where", "parcel"]),
        ("The policies' of Größe STRASSE", ["policy", "grösse", "strasse"]),
        ("What's the customer's status", ["what", "customer", "status"]),
        ("do not cancel", ["not", "cancel"]),
        ("it is", ["it", "is"]),
        ("\uff14\uff12 \ufb01les x_y", ["42", "file", "x_y"]),
        ("gas bus class shoes", ["gas", "bus", "class", "shoe"]),
        ("?!", []),
    ],
)
def test_words_are_folded_and_function_words_left_out_unless_alone(text, tokens):
    assert words(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("如何重置密码?", ["如何", "何重", "重置", "置密", "密码"]),
        ("我的iPhone手机", ["我的", "iphone", "手机"]),
        ("水", ["水"]),
        ("パスワードを忘れた", ["パス", "スワ", "ワー", "ード", "ドを", "を忘", "忘れ", "れた"]),
        ("ลืมรหัสผ่าน", ["ลืม", "มร", "รหั", "หัส", "สผ่", "ผ่า", "าน"]),
        ("ລືມລະຫັດ", ["ລືມ", "ມລ", "ລະ", "ະຫັ", "ຫັດ"]),
        ("비밀번호를 재설정", ["비밀", "밀번", "번호", "호를", "재설", "설정"]),
        ("पासवर्ड कैसे बदलें", ["पासवर्ड", "कैसे", "बदलें"]),
        ("الكلمة السرّية", ["الكلمة", "السرّية"]),
    ],
)
def test_neighbouring_signs_are_words_where_spaces_do_not_part_them(text, tokens):
    assert words(text) == tokens


@pytest.mark.parametrize(
    "script", ["DEVANAGARI", "BENGALI", "TAMIL", "THAI", "LAO", "MYANMAR", "KHMER", "HEBREW", "ARABIC"]
)
def test_no_vowel_sign_ends_a_word_and_every_punctuation_mark_does(script):
    named = [chr(code) for code in range(0x300, 0x1800) if unicodedata.name(chr(code), "").startswith(f"{script} ")]
    marks = [
        sign for sign in named if unicodedata.category(sign) in {"Mn", "Mc"} and " SMALL " not in unicodedata.name(sign)
    ]
    assert [sign for sign in marks if len(WORD.findall(f"a{sign}a")) > 1] == []
    punctuation = {sign for sign in named if unicodedata.category(sign) == "Po"} - {"\u09fd"}
    assert [sign for sign in punctuation if WORD.match(sign)] == []


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("the Wi-Fi", ["wifi"]),
        ("Wi\u2011Fi and e-mails", ["wifi", "email"]),
        ("WiFi", []),
        ("an all-in-one device", ["allinone"]),
        ("call 555-1234", []),
        ("a - b", []),
        ("like-this-name-of-some-very-long-link", []),
    ],
)
def test_what_articles_write_with_a_hyphen_is_also_a_word_in_one(text, joined):
    assert words_and_compounds(text) == [*words(text), *joined]
