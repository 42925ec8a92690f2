import pytest

from bot.answer.language import identify_language, languages, spoken_language
from bot.answer.reply.catalogue import default_phrasebook
from bot.answer.transcript import Said
from conversation.events import Choice

PLAIN = {
    "en": (
        "Where is my order?",
        "how do i cancel",
        "Can I talk to someone",
        "my app doesnt work",
        "do you ship to Spain",
    ),
    "de": ("Wo ist mein Paket?", "ich habe mein passwort vergessen", "wie lange dauert die rueckerstattung"),
    "fr": ("Où est ma commande ?", "ou est mon colis", "j'ai oublié mon mot de passe", "l'application ne marche pas"),
    "es": ("¿Dónde está mi pedido?", "donde esta mi pedido", "no he recibido el paquete", "cuanto tarda el reembolso"),
    "it": (
        "Dov'è il mio ordine?",
        "perche non funziona",
        "quanto costa la spedizione",
        "vorrei parlare con una persona",
    ),
    "nl": ("Waar is mijn bestelling?", "ik ben mijn wachtwoord vergeten", "leveren jullie ook in België?"),
    "pl": ("Gdzie jest moje zamówienie?", "ile kosztuje wysyłka", "jak zmienic adres dostawy", "nie dostałem paczki"),
    "pt": ("Onde está a minha encomenda?", "nao recebi o meu pedido", "quanto custa o envio", "esqueci a minha senha"),
}
GERMAN = Said("visitor", PLAIN["de"][0])
ENGLISH = Said("visitor", PLAIN["en"][0])


@pytest.mark.parametrize("tag", PLAIN)
def test_questions_to_a_shop_are_in_their_language_also_without_accents(tag):
    assert {identify_language(text) for text in PLAIN[tag]} == {tag}


@pytest.mark.parametrize(
    "text",
    [
        "Hvordan kan jeg få pengene tilbage?", "Jag vill prata med en människa", "Com puc canviar la meva adreça?",
        "Unde este comanda mea?", "Kde je moje objednávka?", "Kako mogu otkazati narudžbu", "Missä tilaukseni on?",
        "Siparişim nerede?", "Di mana pesanan saya?", "Hol van a rendelésem?", "mera order cancel nahi ho raha hai",
        "Где мой заказ?", "我的订单在哪里?", "أين طلبي؟", "मेरा ऑर्डर कहाँ है",
    ],
)  # fmt: skip
def test_another_language_is_taken_for_none_of_ours(text):
    assert identify_language(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "ok", "hallo", "Rolex Date 41 mm", "T-shirt L XL M", "IBAN DE89 3704 0044", "La Casa de Papel", "go on"],
)
def test_names_codes_and_single_words_are_in_no_language(text):
    assert identify_language(text) is None


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Do you have La Casa de las Flores on DVD?", "en"),
        ("When will El amor en los tiempos del cólera be back?", "en"),
        ("Is Das Boot out of stock?", "en"),
        ("Wann kommt The Lord of the Rings wieder rein?", "de"),
        ("avete ancora Das Leben der Anderen in negozio?", "it"),
    ],
)
def test_a_foreign_name_in_a_question_does_not_make_it_one_of_that_language(text, tag):
    assert identify_language(text) in (tag, None)


def test_the_languages_that_are_told_apart_are_those_that_the_bot_speaks():
    assert languages() == set(default_phrasebook().catalogues)


def test_the_visitors_language_holds_until_they_plainly_write_another():
    short = Said("visitor", "iPhone 13?")
    assert spoken_language([GERMAN], "en") == "de"
    assert spoken_language([GERMAN, Said("bot", ENGLISH.text), short], "en") == "de"
    assert spoken_language([GERMAN, short, ENGLISH, short], "fr") == "en"
    assert spoken_language([short], "fr") == "fr"
    assert spoken_language([short], None) is None


def test_the_locale_of_the_page_names_the_country_where_it_is_of_the_visitors_language():
    assert spoken_language([GERMAN], "de_AT") == "de_AT"


def test_what_others_say_and_what_stands_on_a_button_is_not_the_visitors_language():
    label = "How do I send it back?"
    reply = Said("bot", "", choices=(Choice("article", label, "returns"),))
    assert identify_language(label) == "en"
    assert spoken_language([GERMAN, reply, Said("visitor", label)], None) == "de"
    assert spoken_language([GERMAN, Said("agent", ENGLISH.text)], None) == "de"
    assert spoken_language([GERMAN, Said("visitor", label)], None) == "en"
