import pytest

from retrieval.articles.audience import Audience
from retrieval.search.signals import Query
from retrieval.search.stages import search

ARTICLES = {
    "zh-password": "# 忘记密码\n\n请在登录页面点击重置密码。\n",
    "zh-delivery": "# 配送时间\n\n标准配送需要三到五天。\n",
    "ja-password": "# パスワードを忘れた場合\n\nログイン画面で再設定します。\n",
    "ja-delivery": "# 配送日数\n\n速達は翌日に届きます。\n",
    "th-password": "# ลืมรหัสผ่าน\n\nกดรีเซ็ตรหัสผ่านในหน้าเข้าสู่ระบบ\n",
    "th-delivery": "# ระยะเวลาจัดส่ง\n\nการจัดส่งใช้เวลาสามวัน\n",
    "hi-password": "# पासवर्ड भूल गए\n\nलॉगिन पेज पर रीसेट करें।\n",
    "hi-delivery": "# डिलीवरी का समय\n\nडिलीवरी में तीन दिन लगते हैं।\n",
    "ko-password": "# 비밀번호를 잊은 경우\n\n로그인 화면에서 재설정합니다.\n",
    "ko-delivery": "# 배송 기간\n\n배송은 삼일이 걸립니다.\n",
    "my-password": "# စကားဝှက် မေ့သွားခြင်း\n\nစကားဝှက်ကို ပြောင်းပါ။\n",  # noqa: RUF001 - Burmese letters
    "my-delivery": "# ပို့ဆောင်ချိန်\n\nသုံးရက် ကြာပါသည်။\n",
}


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("怎么重置我的密码", "zh-password"),
        ("配送要多少天", "zh-delivery"),
        ("パスワードの再設定方法", "ja-password"),
        ("速達はいつ届きますか", "ja-delivery"),
        ("ขอรีเซ็ตรหัสผ่าน", "th-password"),
        ("จัดส่งกี่วัน", "th-delivery"),
        ("मेरा पासवर्ड", "hi-password"),
        ("डिलीवरी कब", "hi-delivery"),
        ("비밀번호 재설정", "ko-password"),
        ("배송이 언제 되나요", "ko-delivery"),
        ("စကားဝှက်ဘယ်လို", "my-password"),
    ],
)
def test_words_are_found_in_scripts_that_do_not_part_them(snapshot_of, encoder, question, article):
    hits = search(snapshot_of(ARTICLES), Query(question, encoder.encode([question])[0]), Audience("default"))
    ranks = {hit.article.article_id: hit.signals["lexical"].rank for hit in hits if "lexical" in hit.signals}
    assert ranks[article] == 1
