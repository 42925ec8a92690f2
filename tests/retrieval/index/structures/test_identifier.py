import pytest

from retrieval.index.structures.identifier import identifiers, with_numbers


def forms(text):
    return [each.form for each in identifiers(text)]


def only(text):
    (identifier,) = identifiers(text)
    return identifier


@pytest.mark.parametrize(
    ("spellings", "form"),
    [
        (["ERR-3012", "err3012", "Err_3012", "ERR\u20113012", "\uff25RR-3012"], "err3012"),
        (["KX-714-B", "kx714b", "Kx714-b"], "kx714b"),
        (["INV-2024-001", "inv2024-001"], "inv2024.001"),
        (["2.10.0", "v2.10.0", "V2.10.0,"], "2.10.0"),
        (["2024-01-15", "2024/01/15", "2024.01.15"], "2024.01.15"),
        (["0x80070057", "0X80070057"], "0x80070057"),
        (["$1,299.00", "1299.00 €"], "1299.00"),
        (["E24", "e24!", "显示E24怎么办", "แสดงE24ครับ"], "e24"),
    ],
)
def test_spellings_of_one_identifier_have_one_form(spellings, form):
    assert [forms(spelling) for spelling in spellings] == [[form]] * len(spellings)


@pytest.mark.parametrize(
    "text",
    [
        "10 items within 2 days",
        "a 30-day trial",
        "5kg or 128GB",
        "the 2nd of May",
        "24/7",
        "at 10:30",
        "since 2019",
        "?",
    ],
)
def test_quantities_years_and_short_numbers_are_none(text):
    assert forms(text) == []


def test_what_differs_in_where_its_numbers_part_is_not_the_same():
    assert len({only(text).form for text in ("2.10.0", "21.0.0", "2.1.00", "2.1.0")}) == 4


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("ERR-3012", "ERR-3013", True),
        ("E5", "E24", True),
        ("E24", "F05", True),
        ("ERR-3012", "WRN-3012", True),
        ("KX-714-B", "KX-714-C", True),
        ("2.10.0", "2.1.0", True),
        ("2.10.0", "2.0", True),
        ("0x80070057", "0x8007000E", True),
        ("$9.99", "$19.99", True),
        ("4711", "4712", True),
        ("ERR-3012", "err3012", False),
        ("mp3", "usb3", False),
        ("2.10.0", "2024-01-15", False),
        ("4711", "12345", False),
        ("$9.99", "9.99", False),
    ],
)
def test_another_one_of_the_same_shape_could_be_taken_for_it(first, second, alike):
    assert only(first).is_like(only(second)) is only(second).is_like(only(first)) is alike


def test_long_numbers_within_codes_name_them_too_but_no_years():
    assert [each.form for each in with_numbers(identifiers("ERR-3012, INV-2024-00017, E24"))] == [
        *("err3012", "inv2024.00017", "e24"),
        *("3012", "00017"),
    ]
