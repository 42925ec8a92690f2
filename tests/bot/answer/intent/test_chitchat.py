# ruff: noqa: RUF001 - messages of many scripts
from collections import Counter

import pytest

from bot.answer.intent import small_talk, understand
from bot.answer.intent.chitchat.phrases import LONGEST, PACKAGE, SIGNS, Kind, _lexicon, _tokens, phrase_kinds
from bot.answer.intent.understanding import _TALKS
from bot.answer.lexicons import read_lexicon
from bot.answer.transcript import Said

ASKED = Said("visitor", "How do I reset the lamp?")
ANSWER = Said("bot", "Hold the button.", ("Reset the lamp",), outcome="answer", passage="Hold the button.", seq=3)
OFFER = Said("bot", "A person?", outcome="no_answer", failed=True, offers_person=True, seq=3)

TALKS = {
    "greeting": (
        "hi", "hiiii", "HELLO!!", "hey there", "Good   morning, team", "Dear Sir or Madam", "hola", "Grüß Gott!", "gruss gott",
        "bonjour à tous", "olá", "ola", "ciao", "dzień dobry", "dzien dobry", "Здравствуйте!", "привет))",
        "नमस्ते", "السلام عليكم", "سَلام", "你好", "你好！", "こんにちは。", "안녕하세요", "xin chào", "xin chao", "สวัสดีค่ะ", "வணக்கம்",
        "ሰላም", "habari", "sannu", "merhaba", "שלום", "καλημέρα", "👋 hello", "how are you today?", "jó napot", "sawubona",
    ),
    "thanks": (
        "thx!!", "Thanks a lot!", "merci beaucoup", "धन्यवाद", "شكرا", "شكرًا", "谢谢", "謝謝你",
        "ありがとうございます", "cảm ơn", "cam on", "asante sana", "salamat po", "gracias!", "obrigada", "dziękuję", "dziekuje",
        "спасибо большое", "teşekkür ederim", "tesekkur ederim", "감사합니다", "ขอบคุณครับ", "நன்றி", "dhanyavaad", "terima kasih",
        "tack så mycket", "kiitos", "ευχαριστώ", "ngiyabonga", "hi there, thanks!", "ok danke", "thanks 👍", "perfect, thank you :)",
        "that worked, thanks", "thank you for your help", "yes, it works now",
    ),
    "goodbye": (
        "bye", "byeee", "good bye!", "thanks, bye", "See you later", "Have a nice day!", "tschüss", "au revoir", "adiós", "adios",
        "до свидания", "再见", "さようなら", "안녕히 계세요", "tạm biệt", "görüşürüz", "kwaheri", "مع السلامة", "फिर मिलेंगे", "no, that's all",
    ),
    "agreement": (
        "ok", "okkk", "yes", "Yesss!", "no", "nooo", "sure thing", "got it", "oui", "sí", "да", "нет", "हाँ", "नहीं", "نعم", "لا", "好的",
        "不用了", "はい", "いいえ", "네", "아니요", "ใช่ค่ะ", "vâng", "evet", "hayır", "ndiyo", "👍🏽", "❤️", "🙏", "👌", ":)", ";-)", "<3", "😊😊",
    ),
    "wordless": ("...", "…", "!", "??", "?", "-", "hmm", "Hmmmmm...", "lol", "hahahahaha", "哈哈哈", "ㅋㅋㅋㅋㅋ", "test", "Test 123", "🚗", "please"),
    "unhappy": (":(", ":-((", ":'(", "😡", "👎", "👎🏿", "ok :(", "😭😭😭", "💔"),
    "present": (
        "anybody there?", "hello, is anyone here", "Are you there???", "you there", "ist da jemand?", "hay alguien ahí", "有人吗？",
        "c'è qualcuno?", "кто-нибудь есть?", "Can you help me please", "i have a question", "j'ai une question", "क्या कोई है?",
    ),
    "who_are_you": ("who are you?", "hi, are you a bot?", "Am I talking to a human", "quién eres", "ты бот?", "你是机器人吗？"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TALKS.items() for text in texts])
def test_what_asks_nothing_is_small_talk_of_its_kind_in_many_languages(kind, text):
    assert small_talk(text) == kind
    assert understand(text, []).small_talk == kind


@pytest.mark.parametrize(
    "text",
    [
        "delivery", "refund", "PIN", "SIM", "password", "invoice", "UPS", "legal", "returns?", "login", "Hindi?", "top up", "robot",
        "hello world example", "thanks but it still fails", "ok and then", "hi my lamp :(", "yes but how", "no sound", "not working",
        "IEEE", "good morning delivery", "bye bye account", "谢谢你的退款", "你好，怎么退货", "danke aber wo ist mein paket", "error 404",
        "who are you shipping with", "is it helpful to reset", "test the sensor", "how are you charging me", "C++", "why?", "123",
    ],
)  # fmt: skip
def test_a_question_is_none_though_it_greets_or_is_one_word(text):
    assert small_talk(text) is None
    assert understand(text, []).intent == "question"


def test_who_writes_more_than_small_talk_says_something():
    assert small_talk("hi " * (LONGEST // 3)) == "greeting"
    assert small_talk("hi " * LONGEST) is None


def test_every_phrase_of_the_lexicon_is_found_and_stands_under_one_kind_alone():
    kinds = Counter()
    for kind, phrases in read_lexicon(PACKAGE).items():
        kinds.update({(tuple(_tokens(phrase, _lexicon().signs)), kind) for phrase in phrases})
        assert [phrase for phrase in phrases if phrase_kinds(phrase) != {kind}] == [], kind
    doubled = Counter(tokens for tokens, _ in kinds)
    assert [tokens for tokens, count in doubled.items() if count > 1 or not tokens] == []
    assert len(doubled) > 4_000


def test_every_kind_is_answered_or_stands_only_beside_others():
    kinds = set(Kind.__args__)
    assert set(read_lexicon(PACKAGE)) == kinds > set(SIGNS)
    assert kinds - set(_TALKS) == {"filler", "yes_if_asked"}


@pytest.mark.parametrize("text", ["👍", "👍🏽", "❤️", "🙏🏻", "👌", ":)", "👍👍👍", "😊"])
def test_an_approving_sign_right_after_an_answer_rates_it_helpful(text):
    understood = understand(text, [ASKED, ANSWER])
    assert (understood.small_talk, understood.rated.of, understood.rated.helpful) == ("helped", 3, True)
    assert understand(text, [ASKED, ANSWER, Said("visitor", "and?"), OFFER]).rated is None


@pytest.mark.parametrize("text", ["👎", "👎🏿", ":(", "😡", "no 👎", "❌"])
def test_a_sign_of_displeasure_right_after_an_answer_rates_it_not_helpful(text):
    understood = understand(text, [ASKED, ANSWER])
    assert (understood.small_talk, understood.rated.of, understood.rated.helpful) == ("not_helped", 3, False)


def test_thanks_with_a_thumb_are_thanks_and_a_rating():
    understood = understand("thank you 👍", [ASKED, ANSWER])
    assert (understood.small_talk, understood.rated.helpful) == ("thanks", True)


@pytest.mark.parametrize("text", ["thanks", "ok", "👍👎", "hi :)", "🚗", "👍 but how on Linux?"])
def test_words_alone_mixed_signs_and_questions_rate_nothing(text):
    assert understand(text, [ASKED, ANSWER]).rated is None


def test_a_thumb_is_a_yes_to_the_offer_of_a_person_and_a_smile_is_not():
    assert understand("👍", [ASKED, OFFER]).intent == "call_human"
    assert understand("sim", [ASKED, OFFER]).intent == "call_human"
    assert understand("हाँ जी", [ASKED, OFFER]).intent == "call_human"
    assert understand(":)", [ASKED, OFFER]).small_talk == "agreement"
    assert understand("no thanks", [ASKED, OFFER]).intent == "small_talk"


@pytest.mark.parametrize(
    "text", ["??", "?", "？", "؟", "hello??", "hello ???", "what?", "I don't understand", "huh??", "我不明白"]
)
@pytest.mark.parametrize("reply", [ANSWER, OFFER])
def test_a_mere_question_mark_after_a_question_asks_for_other_words(text, reply):
    assert understand(text, [ASKED, reply]).small_talk == "asks_again"
    assert understand(text, []).small_talk in ("wordless", "greeting")
    assert (
        understand(text, [Said("visitor", "hi"), Said("bot", "Hello!", outcome="small_talk")]).small_talk
        != "asks_again"
    )


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("anybody there? How do I reset the lamp?", "How do I reset the lamp?"),
        ("How do I reset the lamp?\nanybody there?", "How do I reset the lamp?"),
        ("Hello, is anyone here? my parcel is late", "my parcel is late"),
        ("I have a question. Where is my invoice?", "Where is my invoice?"),
        ("有人吗？怎么退货", "怎么退货"),
        ("Hi. Where is my invoice?", "Hi. Where is my invoice?"),
    ],
)  # fmt: skip
def test_a_question_beside_a_look_whether_anybody_is_there_is_asked_without_it(text, asked):
    understood = understand(text, [])
    assert (understood.intent, understood.question) == ("question", asked)


def test_whoever_looks_for_a_person_asks_for_one():
    for text in ("is there a real person here?", "any human here?", "Hello? Agent please!"):
        assert understand(text, []).intent == "call_human", text
