"""The text side of tuning the image tower, once: vectors of all captions and names by the first model's text tower (which
stays as it is while the image tower learns), and by the untouched MiniLM, which judges what may belong together."""
import os

import torch

import names
import simulate
import text_net
from common import arguments, log, normalise, read_photos, start


def main():
    parser = arguments(__doc__)
    parser.add_argument("--package", required=True)
    args = start(parser)
    photos = read_photos(args.data)
    tokenizer = text_net.load_tokenizer()
    plain = text_net.load().to(torch.bfloat16)
    _, tower = simulate.open_package(args.package, simulate.FLOAT)
    pairs = [(n, caption) for n, p in enumerate(photos) for caption in p.captions]
    classes, index = names.class_names(args.data), names.synonym_index(args.data)
    table = sorted({n for t in classes for n, _ in t} |
                   {n for p in photos if not p.captions for n, _ in names.label_names(p, index, classes)})
    phrases = [names.fix_article(t.format(n)) for n in table for t in ("{}", "a photo of a {}")]
    out = {"caption_photo": torch.tensor([n for n, _ in pairs]), "names": table}
    for key, sentences in (("caption", [c for _, c in pairs]), ("phrase", phrases)):
        tokens = text_net.tokenize(tokenizer, sentences)
        out[key + "_vectors"] = tower(tokens).clone()
        out[key + "_sense"] = normalise(text_net.embed(plain, tokens)).half()
        log(key, len(sentences))
    torch.save(out, os.path.join(args.work, "student_text.pt"))


if __name__ == "__main__":
    main()
