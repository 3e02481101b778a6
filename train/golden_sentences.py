"""Sentences for the tokenizer's golden file: plain ones and everything that tends to break a tokenizer."""

PLAIN = """red car at beach
kids skiing last winter in Austria
two dogs running in the snow
a cup of espresso on a wooden table
my laptop next to the window
pizza margherita with basil
sunset over the lake
birthday cake with five candles
grandma knitting in her armchair
the Eiffel Tower at night
a black cat sleeping on a red sofa
children playing soccer in the rain
woman wearing a yellow hat and sunglasses
old bicycle leaning against a brick wall
hiking trail through a foggy forest
a plate of spaghetti carbonara
fireworks on New Year's Eve
tall ship sailing under a bridge
screenshot of a web page
receipt from the supermarket
a dalmatian puppy
snowboarder jumping off a ramp
crowd at a concert, stage lights
handwritten note on yellow paper
tabby cat looking out of the window
waterfall in Iceland
my daughter's first day at school
unbelievable view from the mountaintop
a hummingbird feeding on a flower
antidisestablishmentarianism""".split("\n")

SHAPED = ["", " ", "   ", "a", "A", "I", "ALL CAPITAL LETTERS", "MiXeD CaSe WoRdS", "  leading and trailing  ", "tab\tseparated\twords",
          "line\nbreak", "carriage\r\nreturn", "double  space", "non\u00a0breaking\u00a0space", "thin\u2009space", "ideographic\u3000space",
          "zero\u200bwidth\u200bspace", "zero\u200dwidth\u200djoiner", "byte\ufefforder mark", "soft\u00adhyphen", "line\u2028separator",
          "paragraph\u2029separator", "vertical\u000btab", "form\u000cfeed", "bell\u0007char", "escape\u001b[0m code", "delete\u007fchar",
          "next\u0085line", "replacement \ufffd char", "private \ue000 use", "\u202eright to left override\u202c", "word joiner a\u2060b"]

PUNCTUATED = ["hello, world!", "it's", "don't", "rock'n'roll", "e-mail", "well-known", "semi;colon:colon", "(parentheses)", "[brackets]",
              "{braces}", "<angle>", "\"quoted\"", "'single'", "`back`ticks`", "under_score", "hash#tag", "@mention", "50% off", "$5.99", "a+b=c",
              "x^2", "~tilde~", "pipe|pipe", "back\\slash", "slash/slash", "dots...", "…ellipsis", "em—dash", "en–dash", "“curly” quotes",
              "‘single’ curly", "«guillemets»", "¿qué?", "¡hola!", "§ 5", "• bullet", "© 2024", "® and ™", "№ 7", "† dagger", "5 × 3", "3 ÷ 4",
              "±1", "≠ and ≤", "→ arrow", "1/2 and ½", "10°C", "€100", "£20", "¥3000", "₹500", "a*b*c", "[CLS] inside", "[UNK]", "[MASK] it",
              "[SEP] [PAD]", "##ing", "...", "!!!", "?!?!", "、。", "！？", "「日本」", "a.b.c", "www.example.org/path?x=1", "v1.2.3-beta"]

NUMBERED = ["2023", "1,000,000", "3.14159", "007", "12:30", "2024-01-31", "31.12.1999", "1st 2nd 3rd", "IMG_20230704_183015.jpg", "4K", "H2O",
            "x²", "①②③", "Ⅳ", "１２３", "٣٤٥", "0x7f", "1e-12", "+49 30 1234567"]

ACCENTED = ["café", "cafe\u0301", "naïve", "Ångström", "A\u030angstro\u0308m", "São Paulo", "Zürich", "Straße", "STRASSE GROẞ", "İstanbul", "ıspanak",
            "œuvre", "Æsir", "Łódź", "Đà Nẵng", "Dvořák", "smörgåsbord", "piñata", "garçon", "ÀÉÎÕÜ", "ﬁne ﬂow", "Ǆ ǅ ǆ", "ŉ", "ſ", "ø Ø",
            "e\u0301\u0302\u0303", "\u0301alone", "Ἀθῆναι", "Ελλάδα ΣΊΣΥΦΟΣ", "Привет мир", "Йод и ёлка", "Україна ї", "Қазақ", "tiếng Việt",
            "K\u212a kelvin", "Ω \u2126 ohm", "ａｂｃ ＡＢＣ", "𝒜 𝓫 𝕔", "ß"]

SCRIPTS = ["日本語の写真", "东京 tower", "北京天安门", "漢字かなカナ混じり文", "ひらがな", "カタカナ", "ｶﾀｶﾅ", "パ vs ハ\u309a", "한국어 사진", "한\u1100\u1161", "中文english混合",
           "𠀀𠀁 rare", "㐀 extension", "豈 compatibility", "שלום עולם", "שָׁלוֹם", "مرحبا بالعالم", "مَرْحَبًا", "فارسی می‌شود", "हिन्दी तस्वीर", "বাংলা ছবি", "தமிழ்", "ไทย ภาพถ่าย",
           "ລາວ", "မြန်မာ", "ქართული ᲥᲐᲠᲗᲣᲚᲘ", "Հայերեն", "አማርኛ", "ᓄᓇᕗᑦ", "ᏣᎳᎩ", "𐌰𐌱 gothic", "ㄅㄆㄇ", "〇 zero"]

PICTOGRAMS = ["😀", "a 😀 b", "😀😀", "👍🏽 skin", "👨‍👩‍👧‍👦 family", "🇩🇪 flag", "❤️ heart", "☃ snowman", "✈️ plane", "🐶dog", "1️⃣", "♥♦♣♠", "☀️🌧", "🏳️‍🌈",
              "smile :-)", "¯\\_(ツ)_/¯", "✓ done", "★★★☆☆"]

LONG = ["supercalifragilisticexpialidocious", "pneumonoultramicroscopicsilicovolcanoconiosis", "x" * 99, "x" * 100, "x" * 101, "a" * 300,
        "Donaudampfschifffahrtsgesellschaftskapitän", "é" * 100, "é" * 101, "日" * 70, "qwxzjkvbpq", "ab" * 50, "ab" * 51,
        "word " * 70 + "end", "one-two-three-" * 12, "😀" * 101, "https://example.org/" + "path/" * 12]

MULTILINGUAL = """一只黑色的狗在雪地里奔跑
两个孩子在海滩上踢足球，阳光明媚。
红色的汽车停在老房子前面
我家的猫在窗台上睡觉（去年冬天）
雪の中を走る二匹の犬
東京タワーの夜景、２０２３年１２月
赤い傘をさした女性が駅で待っている
눈 속에서 뛰어노는 강아지 두 마리
바닷가에서 빨간 자동차
كلبان يركضان في الثلج
سيارة حمراء على الشاطئ
صُورَةُ القِطَّةِ عَلَى الطَّاوِلَةِ
کودکان در حال بازی، می‌خواهم ببینم
बर्फ में दौड़ते हुए दो कुत्ते
समुद्र तट पर लाल कार
две собаки бегут по снегу
Дети играют в футбол под дождём
zwei Hunde laufen durch den Schnee
Mädchen mit grünem Hut vor dem schönen Schloß
ein rotes Auto am Strand, Größe: 5 m²
deux chiens courent dans la neige
l'été dernier à la plage, un château de sable
dos perros corriendo en la nieve
niña con sombrero amarillo, ¿dónde está?
dois cachorros correndo na neve, não é?
due cani che corrono nella neve
twee honden rennen door de sneeuw
hai con chó chạy trong tuyết, bãi biển
iki köpek karda koşuyor, İstanbul'da ılık gün
dwa psy biegają po śniegu, żółta łódź
สุนัขสองตัววิ่งในหิมะ
δύο σκυλιά τρέχουν στο χιόνι
שני כלבים רצים בשלג
två hundar springer i snön
двоє собак біжать по снігу""".split("\n")

NORMALISED = ["Ma\u0308dchen mit gru\u0308nem Hut", "scho\u0308ne Gru\u0308\u00dfe", "\u1102\u116e\u11ab \u1109\u1169\u11a8\u110b\u1166\u1109\u1165",
              "\u304b\u3099\u304d\u3099 \u30cf\u309a\u30f3", "ｒｅｄ　ｃａｒ，２　ｄｏｇｓ！", "ﾊﾟﾝと ｶﾀｶﾅ", "東京～大阪", "～", "ﷺ", "㍿ ㌔ ㊗", "¼ ½ x³ ℃", "ﬁsh ﬂag ĳ",
              "a\u0315\u0300\u05ae\u0300b", "q\u0307\u0323 q\u0323\u0307", "\u0308 a", "\u00a8a", "\u0e01\u0e33", "क\u093c ऩ", "الـــعربية", "سـلام", "soft\u00adhyphen",
              "zero\u200bwidth\u200cnon\u200djoiner\u2060word", "\ufeffdog", "dog\ufeff", "▁dog▁▁cat", "\u200e\u200fdog\u200e", "dog\u0000cat", "a\u0001b\u007fc\u0085d", "\u3000\u2003\u1680dog",
              "<s> dog </s>", "<unk><pad>", "👩‍💻 👨‍👩‍👧‍👦", "犬🐕雪❄️", "🏴\U000e0067\U000e0062\U000e007f", "\u180e dog", "aaaaaaaaaaaaaaaaaaaaaaaa", "的的的的的的的的", "\ufffd dog \ufffd",
              "dogdogdogcatcat", "ⅷ Ⅻ ①⑳", "𝒅𝒐𝒈 𝖈𝖆𝖙", "\u1e9b\u0323", "\u212b \u2126 \ufb1d"]

SENTENCES = PLAIN + SHAPED + PUNCTUATED + NUMBERED + ACCENTED + SCRIPTS + PICTOGRAMS + LONG
