"""Chooses the pieces of the XLM-R vocabulary that the multilingual tower keeps: all that our sentences use, then by their
probability those that words of the wanted languages are made of. Word lists: Debian's wamerican, wngerman, wfrench,
wspanish, witalian, wbrazilian; other scripts by their letters."""
import os
import unicodedata

import numpy as np
import torch

import e5
import languages
import unigram
from common import arguments, log, start

LISTS = ["american-english", "ngerman", "french", "spanish", "italian", "brazilian"]
RUSSIAN = set("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")
ARABIC = set("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيًٌٍَُِّْـ٠١٢٣٤٥٦٧٨٩")


def wanted_script(piece):
    """May the piece be of a wanted script other than Latin?"""
    letters = [c for c in piece.replace("\u2581", "").lower() if unicodedata.category(c)[0] in "LM"]
    if not letters:
        return all(c == "\u2581" or c.isascii() or unicodedata.category(c)[0] in "PS" or c.isdigit() for c in piece)
    names = {unicodedata.name(c, "?").split(" ")[0] for c in letters}
    if names == {"CYRILLIC"}:
        return set(letters) <= RUSSIAN
    if names == {"ARABIC"}:
        return set(letters) <= ARABIC
    return names <= {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} or names in ({"HANGUL"}, {"DEVANAGARI"})


def used(tokenizer, sentences, counts, batch=20000):
    for at in range(0, len(sentences), batch):
        for ids in tokenizer.encode_batch(sentences[at:at + batch]):
            counts[ids] += 1


def main():
    parser = arguments(__doc__)
    parser.add_argument("--pieces", type=int, default=52000)
    args = start(parser)
    file = e5.File()
    tokenizer = unigram.UnigramTokenizer(file.pieces, file.scores.tolist())
    groups, targets, photos = languages.items(args.data)
    texts = [text for items in groups.values() for _, text, _, _ in items] + targets.sentences
    texts += [t for table in (languages.read_list("sentences", l) for l in languages.LANGUAGES) for row in table.values() for t in row]
    texts += [row[1] for row in languages.tsv(args.data, "captions_text.tsv.gz")[1]]
    counts, listed = np.zeros(len(file.pieces), np.int64), np.zeros(len(file.pieces), np.int64)
    used(tokenizer, list(dict.fromkeys(texts + [t.lower() for t in texts])), counts)
    for name in LISTS:
        with open("/usr/share/dict/" + name, encoding="utf-8") as f:
            words = [line.strip() for line in f]
        used(tokenizer, words, listed)
    keep = set(range(4)) | set(np.nonzero(counts)[0].tolist())
    log("used by our sentences:", len(keep))
    rest = [i for i in range(4, len(file.pieces)) if i not in keep and (listed[i] > 0 or wanted_script(file.pieces[i]))]
    single = [i for i in rest if len(file.pieces[i]) == 1]
    rest = single + sorted(set(rest) - set(single), key=lambda i: -file.scores[i])
    log("candidates:", len(rest), "of them single characters", len(single))
    keep |= set(rest[:max(0, args.pieces - len(keep))])
    order = unigram.arrange(file.pieces, keep)
    log("kept", len(order), "lowest score", min(file.scores[i] for i in order[4:]))
    torch.save({"keep": order, "pieces": [file.pieces[i] for i in order], "scores": file.scores[order]},
               os.path.join(args.work, "vocabulary.pt"))


if __name__ == "__main__":
    main()
