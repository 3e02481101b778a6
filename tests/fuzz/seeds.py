"""Makes the seeds of tests/fuzz/corpus again that are not libFuzzer's own finds: tiny pictures in every format, EXIF blocks, texts.

    python3 tests/fuzz/seeds.py     in the repository's root; needs what tests/data/images/generate.py needs

Pictures of 15 x 11 pixels: the fuzzer then changes headers and structure as often as pixels. Seeds of the index's files are made by the
targets themselves, from an empty input.
"""
import base64, os, pathlib, shutil, struct, subprocess, sys, tempfile, zipfile, zlib

ROOT = pathlib.Path(__file__).parents[2]
CORPUS = ROOT / "tests/fuzz/corpus"
TARGETS = {"jpg": "jpeg", "heic": "heif"}
SKIPPED = {"turned2.avif", "turned3.avif", "turned4.avif", "turned5.avif", "turned7.avif", "turned8.avif"}


def put(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def stored_png(name, depth, colour, row_bytes, extra=b"", interlaced=0):
    """Pixels are stored without compression, so that a change of a byte is a change of a filter or a sample."""
    rows = b"".join(bytes([y % 5]) + bytes((x * 37 + y * 11) % 256 for x in range(row_bytes)) for y in range(16))
    head = struct.pack(">IIBBBBB", 9, 7, depth, colour, 0, 0, interlaced)
    put("png", name, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


def pictures():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "tests/data/images/generate.py", "15", "11"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        for path in sorted(pathlib.Path(folder).iterdir()):
            ending = path.suffix[1:]
            if ending not in ("rgb", "bin") and path.name not in SKIPPED:
                put(TARGETS.get(ending, ending), path.name, path.read_bytes())
        rgb = str(pathlib.Path(folder) / "rgb.png")
        for name, options in (("thumbnail.heic", ["-t", "8"]), ("lossless.heic", ["-L"])):
            out = os.path.join(folder, name)
            subprocess.run(["heif-enc", *options, rgb, "-o", out], check=True, stdout=subprocess.DEVNULL)
            put("heif", name, pathlib.Path(out).read_bytes())
    stored_png("stored_rgb.png", 8, 2, 27)
    stored_png("stored_palette.png", 4, 3, 5, chunk(b"PLTE", bytes(range(30))) + chunk(b"tRNS", bytes([255, 0, 9])))
    stored_png("stored_key.png", 16, 0, 18, chunk(b"tRNS", b"\0\x25"))
    stored_png("stored_interlaced.png", 8, 6, 36, b"", 1)


def exif(order):
    """A block with every tag that is read; order: "<" or ">"."""
    def entry(tag, kind, count, value):
        return struct.pack(order + "HHI", tag, kind, count) + value

    def word(v):
        return struct.pack(order + "I", v)

    def short(v):
        return struct.pack(order + "HH", v, 0)

    # header, IFD 0 (9), Exif (6), GPS (6), values behind
    ifd0, sub, gps = 8, 8 + 2 + 9 * 12 + 4, 8 + 2 + 9 * 12 + 4 + 2 + 6 * 12 + 4
    at = gps + 2 + 6 * 12 + 4
    values, offsets = b"", {}
    degrees = lambda *parts: b"".join(struct.pack(order + "II", n, d) for n, d in parts)
    for name, value in (("make", b"Lumen\0"), ("model", b"Field 2\0"), ("date", b"2021:07:04 15:32:10\0"), ("offset", b"+02:00\0"),
                        ("lens", b"35mm f/1.8\0"), ("words", b"Soup for two\0"), ("tool", b"Greenshot\0"),
                        ("comment", b"UNICODE\0S\0o\0u\0p\0"), ("day", b"2021:07:04\0"), ("clock", degrees((13, 1), (32, 1), (10, 1))), ("lat", degrees((47, 1), (15, 1), (4512, 100))), ("lon", degrees((11, 1), (24, 1), (0, 1)))):
        offsets[name] = (at + len(values), len(value))
        values += value
    ref = lambda name, tag, kind=2, count=None: entry(tag, kind, count or offsets[name][1], word(offsets[name][0]))
    out = (b"II*\0" if order == "<" else b"MM\0*") + word(ifd0)
    out += struct.pack(order + "H", 9) + ref("words", 0x010E) + ref("tool", 0x0131) + entry(0x4746, 3, 1, short(4)) + ref("make", 0x010F) + ref("model", 0x0110) + entry(0x0112, 3, 1, short(6))
    out += ref("date", 0x0132) + entry(0x8769, 4, 1, word(sub)) + entry(0x8825, 4, 1, word(gps)) + word(0)
    out += struct.pack(order + "H", 6) + entry(0x9209, 3, 1, short(1)) + ref("comment", 0x9286, 7) + ref("date", 0x9003) + ref("date", 0x9004) + ref("offset", 0x9011) + ref("lens", 0xA434) + word(0)
    out += struct.pack(order + "H", 6) + ref("clock", 7, 5, 3) + ref("day", 0x1D) + entry(1, 2, 2, b"N\0\0\0") + ref("lat", 2, 5, 3) + entry(3, 2, 2, b"E\0\0\0") + ref("lon", 4, 5, 3) + word(0)
    return out + values


def xmp():
    spaces = {"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "dc": "http://purl.org/dc/elements/1.1/", "xmp": "http://ns.adobe.com/xap/1.0/",
              "lr": "http://ns.adobe.com/lightroom/1.0/", "exif": "http://ns.adobe.com/exif/1.0/", "photoshop": "http://ns.adobe.com/photoshop/1.0/",
              "GPano": "http://ns.google.com/photos/1.0/panorama/", "m": "http://ns.microsoft.com/photo/1.0/"}
    names = "".join(f' xmlns:{k}="{v}"' for k, v in spaces.items())

    def packet(attributes, inside):
        return (f'<rdf:RDF{names}><rdf:Description rdf:about=""{attributes}>{inside}</rdf:Description></rdf:RDF>').encode()

    alt = lambda name, text: f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></{name}>'
    put("xmp", "words", packet(' xmp:Rating="4"', alt("dc:title", "B\u00e4r") + alt("dc:description", "a &amp; b") +
                               "<dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b</rdf:li></rdf:Bag></dc:subject>"))
    put("xmp", "tree", packet("", "<lr:hierarchicalSubject><rdf:Bag><rdf:li>a|b|c</rdf:li></rdf:Bag></lr:hierarchicalSubject>"
                              "<m:Rating>75</m:Rating><photoshop:Headline>H</photoshop:Headline>"))
    put("xmp", "kinds", packet(' GPano:ProjectionType="cylindrical"', alt("exif:UserComment", "Screenshot")))
    records = b"\x1c\1\x5a\0\3\x1b%G\x1c\2\5\0\5Title\x1c\2\x19\0\3one\x1c\2\x19\0\3two\x1c\2\x78\x80\4\0\0\0\4Soup"
    put("xmp", "records", records)
    put("xmp", "resources", b"8BIM\4\x25\0\0\0\0\0\1x\0" + b"8BIM\4\4\3abc" + struct.pack(">I", len(records)) + records + b"\0" * (len(records) % 2))


def spm_field(number, body):
    """A field of a protocol buffer: bytes, or a number."""
    if isinstance(body, int):
        return bytes([number << 3 & 127 | (128 if number > 15 else 0)]) + (bytes([number >> 4]) if number > 15 else b"") + bytes([body])
    return bytes([number << 3 | 2, len(body)]) + body


def spm(kind, table):
    """A SentencePiece model of six pieces. table: SentencePiece's compiled rule, or none."""
    out = spm_field(2, spm_field(3, kind) + spm_field(35, 0) + spm_field(42, 1) + spm_field(43, 0))
    out += spm_field(3, spm_field(1, b"nmt_nfkc") + (spm_field(2, table) if table else b""))
    for piece, kind_of in ((b"<pad>", 3), (b"</s>", 3), (b"<unk>", 2), (b"\xe2\x96\x81a", 1), (b"b", 1), (b"\xe2\x96\x81ab", 1)):
        out += spm_field(1, spm_field(1, piece) + b"\x15" + struct.pack("<f", -len(piece)) + spm_field(3, kind_of))
    return out


def tokenizers():
    table = struct.pack("<4I", 12, 0x60 << 10, 0x161, 2) + b" \0"  # "a" has an entry
    marks = '"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"</s>"}}]}'
    bpe = '"model":{"type":"BPE","unk_token":"a","vocab":{"a":0,"b":1,"ab":2,"</s>":3},"merges":["a b"]'
    rule = '"normalizer":{"type":"Precompiled","precompiled_charsmap":"%s"}' % base64.b64encode(table).decode()
    scores = '"model":{"type":"Unigram","unk_id":1,"vocab":[["</s>",0],["<unk>",0],["a",-1.5]]}'
    put("tokenizer", "json_bpe", ("\0\0{%s,\"added_tokens\":[{\"id\":4,\"content\":\"<s>\"}],%s}}" % (marks, bpe)).encode())
    put("tokenizer", "json_unigram", ("\0\0{%s,%s,%s}" % (rule, marks, scores)).encode())
    put("tokenizer", "spm_unigram", b"\1\0" + spm(1, table))
    put("tokenizer", "spm_bpe", b"\1\0" + spm(2, b""))
    put("tokenizer", "words", b"\4\0[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\n")


def texts():
    # four bytes choose the context
    put("query", "words", b"\x01\x00\x00\x82" + "red car at  the beach\n".encode())
    put("query", "sentence", b"\x01\x01\x00\x82" + b'dogs -cat in Paris or near Lisbon within 20 km, last winter but not at night "exact" sea:2')
    put("query", "hanzi", b"\x01\x02\x00\x82" + "\u5728\u5df4\u9ece\u62cd\u7684\u7167\u7247 2019\u5e747\u6708".encode())
    put("query", "letters", "\ufeffgr\u00fcne Berge\u2003im Winter 2021 \u4e2d\u6587 \u200b".encode())
    put("query", "broken", b"a\xc3 b\xed\xa0\x80 \xf4\x90\x80\x80\xff")
    put("vocabulary", "four_lines", "dog | a dog | two dogs\n# comment\n- wolf | a wolf\ncaf\u00e9\n".encode())
    put("tokens", "words", b"\x20the dogs cafe! ab\xcc\x81c")
    put("tokens", "letters", "@caf\u00e9 THE \u4e2d dog".encode())
    put("unigram", "fixed", b"\x20\0\0\0the cab dogs cafe\xcc\x81 \xe4\xb8\xad")
    put("unigram", "own", b"\x20\1\x0e\0a\nab\nb\n\xe2\x96\x81a\nd\nabba a dab")
    put("unigram", "ids", b"\x20\x02\0\0the cab dogs cafe\xcc\x81 \xe4\xb8\xad")
    put("unigram", "ids_lower", b"\x20\x06\0\0THE Cab \xc4\xb0 \xce\x91\xce\xa3 \xce\xa3")
    put("unigram", "ids_punctuation", b"\x20\x1a\0\0the, ca-b!\tdo\xe2\x80\x8dgs \xe2\x81\xa0")
    put("unigram", "ids_mended", b"\x20\x0e\0\0_The_ \xe2\x80\x98\xef\xac\x81\xe2\x80\x99 \xef\xbc\xa1\xef\xbd\xb6\xef\xbe\x9e e\xcc\x81 \xc7\x84")
    put("unigram", "ids_own", b"\x20\x02\x0e\0a\nab\nb\n\xe2\x96\x81a\nd\nabba a dab")
    put("unigram", "ids_bad", b"\x20\x22\x0e\x01a\nab\nb\n\xe2\x96\x81a\nd\nabba")
    put("unigram", "damaged", b"\x20\1\x0a\x05a\nab\nb\nbc\nabc cab")
    tokenizers()
    put("paths", "nested", b"photos\0photos/a.jpg\0photos0\0photos/\xff\xfe.jpg\0photo")
    put("paths", "root", b"\0a\0a/b//c.JPG\0\n\x1b[2J.png")
    put("library", "bytes", bytes([0, 0, 2, 0, 3]) + b"abcd" + bytes([0, 20, 7, 1, 9, 9]))
    put("library", "write", bytes([2, 0, 40, 0, 3]) + b"\0\0\1\1")
    put("library", "cells", bytes([1, 13, 2, 2]) + b"\x7f" + b"\xff" * 7 + bytes([22, 1, 5, 3]) + b"/\0x" + bytes([36, 1, 5, 1, 1]))
    put("library", "cells_write", bytes([3, 21, 1, 1, 0x80, 42, 0, 2]) + b"\x7f" + b"\xff" * 7)
    put("library", "cut", bytes([4, 10, 0]))


def checkpoints():
    """Of tests/data/import/checkpoints: an odd first byte says that a pickle follows, which the target puts into an archive of its own."""
    folder = ROOT / "tests/data/import/checkpoints"
    put("checkpoint", "kinds", (folder / "several.safetensors").read_bytes())
    put("checkpoint", "shard", (folder / "shard-1.safetensors").read_bytes())
    for name in ("several", "run", "script", "module"):
        content = (folder / (name + ".pt")).read_bytes()
        put("pickle", name + "_zip", b"\0" + content)
        with zipfile.ZipFile(folder / (name + ".pt")) as archive:
            put("pickle", name, b"\1" + archive.read(next(n for n in archive.namelist() if n.endswith("/data.pkl"))))
    put("pickle", "system", b"\1\x80\2}U\x0astate_dictcposix\nsystem\nU\2id\x85Rs.")
    put("pickle", "cycle", b"\1\x80\2}q\0U\1ah\0s.")


pictures()
put("exif", "intel", exif("<"))
put("exif", "motorola", exif(">"))
xmp()
texts()
checkpoints()
