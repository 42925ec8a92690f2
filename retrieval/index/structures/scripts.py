"""Scripts by their characters, as parts of a regular expression's character class."""

# Han, Hiragana, Katakana, Thai, Lao, Burmese and Khmer, which have no spaces between words, and Hangul, whose words carry
# particles: of seven Korean questions to articles in five languages, seven find theirs first, by whole words six
UNSPACED = (
    r"\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd"
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109d"
    r"\u1780-\u17d3\u17d7\u17dd"
)

# Vowel signs and other marks, which are no letters to `\w` and yet stand within words: of Latin to Syriac, of all of India
# (with the letters, but without the bars that end a sentence), of Thai, Lao, Tibetan, Burmese and Khmer
MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u07a6-\u07b0\u0898-\u089f\u08ca-\u08e1\u08e3-\u08ff"
    r"\u0900-\u0963\u0966-\u096f\u0971-\u0df3"
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84\u0f8d-\u0fbc"
    r"\u102b-\u103e\u1056-\u1059\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d"
    r"\u17b4-\u17d3\u17dd"
)
