"""Puts previews into a JPEG photo as cameras do, without touching its pixel data: a thumbnail in EXIF, large thumbnails and other
pictures in the multi-picture format (CIPA DC-007). For test files (generate.py) and for galleries to measure with:

    python3 add_preview.py [--exif 160x120] [--vga 640x480] [--full-hd 1920x1080] [--no-bars] [--quality 75] IN.jpg OUT.jpg
    python3 add_preview.py --copies 1000 [...] OUT_FOLDER IN.jpg...     so many files, each different in its last bytes and its date

Needs Pillow. EXIF and MPF segments that the photo has already are left out of the copy, save the orientation.
"""
import argparse, datetime, io, os, struct
from PIL import Image

VGA, FULL_HD, PANORAMA, DISPARITY, UNDEFINED, PRIMARY = 0x010001, 0x010002, 0x020001, 0x020002, 0, 0x030000


def jpeg(image, quality=75, subsampling="4:2:0"):
    out = io.BytesIO()
    image.convert("RGB").save(out, "jpeg", quality=quality, subsampling=subsampling)
    return out.getvalue()


def reduced(image, size, bars=True):
    """image in at most size; with bars: exactly size, the rest black."""
    width, height = size
    if (image.width < image.height) != (width < height): width, height = height, width
    scale = min(width / image.width, height / image.height)
    small = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.BICUBIC, reducing_gap=3)
    if not bars: return small
    whole = Image.new("RGB", (width, height))
    whole.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
    return whole


def directory(order, at, entries, following, longs=b""):
    """An IFD that lies at `at` in its TIFF structure; values longer than 4 bytes follow it. entries: (tag, type, count, bytes)."""
    out, data_at = struct.pack(order + "H", len(entries)), at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        out += struct.pack(order + "HHI", tag, kind, count)
        if len(value) <= 4:
            out += value.ljust(4, b"\0")
        else:
            out += struct.pack(order + "I", data_at + len(longs))
            longs += value + b"\0" * (len(value) % 2)
    return out + struct.pack(order + "I", following) + longs


def text(value):
    return 2, len(value) + 1, value.encode() + b"\0"


def exif_segment(photo_size, thumbnail=b"", orientation=1, taken="2021:07:04 15:32:10", order="<", change=None):
    """APP1. change(entries of the second directory, where the thumbnail lies) may spoil it and returns the entries and the offset of
    the second directory, or None for the right one."""
    short = lambda v: (3, 1, struct.pack(order + "H", v))
    long = lambda v: (4, 1, struct.pack(order + "I", v))
    degrees = lambda *v: (5, 3, b"".join(struct.pack(order + "II", x, 1) for x in v))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    own = [(0x9003, *text(taken)), (0x9011, *text("+02:00")), (0xA002, *long(photo_size[0])), (0xA003, *long(photo_size[1]))]
    place = [(1, *text("N")), (2, *degrees(47, 15, 45)), (3, *text("E")), (4, *degrees(11, 24, 0))]

    def first(own_at, place_at, second_at):
        return directory(order, 8, [(0x010F, *text("Lumen")), (0x0110, *text("Field Camera 2")), (0x0112, *short(orientation)),
                                    (0x8769, *long(own_at)), (0x8825, *long(place_at))], second_at)
    own_at = 8 + len(first(0, 0, 0))
    place_at = own_at + len(directory(order, own_at, own, 0))
    second_at = place_at + len(directory(order, place_at, place, 0))
    thumbnail_at = second_at + 2 + 3 * 12 + 4
    entries = [(0x0103, *short(6)), (0x0201, *long(thumbnail_at)), (0x0202, *long(len(thumbnail)))]
    link = second_at if thumbnail else 0
    following = 0
    if change: entries, link, following = change(entries, link, order)
    body = head + first(own_at, place_at, link) + directory(order, own_at, own, 0) + directory(order, place_at, place, 0)
    if thumbnail: body += directory(order, second_at, entries, following) + thumbnail
    if len(body) + 8 > 0xFFFF: raise ValueError("the thumbnail is too long for a segment")
    return b"\xFF\xE1" + struct.pack(">H", len(body) + 8) + b"Exif\0\0" + body


def mpf_segment(before, photo_length, pictures, order=">"):
    """APP2 that starts `before` bytes into the file; photo_length: of the photo with this segment; pictures: (type, JPEG)."""
    def make(base):
        rows, at = struct.pack(order + "IIIHH", PRIMARY | 0x20000000, photo_length, 0, 0, 0), photo_length - base
        for kind, stream in pictures:
            rows += struct.pack(order + "IIIHH", kind, len(stream), at, 0, 0)
            at += len(stream)
        entries = [(0xB000, 7, 4, b"0100"), (0xB001, 4, 1, struct.pack(order + "I", 1 + len(pictures))), (0xB002, 7, len(rows), rows)]
        return b"MPF\0" + (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) + directory(order, 8, entries, 0)
    body = make(before + 8)
    return b"\xFF\xE2" + struct.pack(">H", len(body) + 2) + body


def without_previews(photo):
    """The photo's segments from behind SOI on, less EXIF and MPF."""
    kept, at = b"", 2
    while photo[at] == 0xFF and photo[at + 1] != 0xDA:
        end = at + 2 + struct.unpack(">H", photo[at + 2:at + 4])[0]
        if not photo[at + 4:end].startswith((b"Exif\0\0", b"MPF\0")): kept += photo[at:end]
        at = end
    return kept + photo[at:]


def with_previews(photo, exif=b"", pictures=(), order=">"):
    """photo: JPEG; exif: a segment; pictures: (MPF type, JPEG), appended behind the photo."""
    rest = without_previews(photo)
    before = 2 + len(exif)
    if not pictures: return b"\xFF\xD8" + exif + rest
    length = before + len(mpf_segment(before, before + 4096, pictures, order)) + len(rest)
    return b"\xFF\xD8" + exif + mpf_segment(before, length, pictures, order) + rest + b"".join(s for _, s in pictures)


def prepared(photo, args):
    image = Image.open(io.BytesIO(photo))
    size, orientation = image.size, image.getexif().get(0x0112, 1)
    largest = max((s for s in (args.exif, args.vga, args.full_hd) if s), default=(160, 120))
    image.draft("RGB", largest)
    image = image.convert("RGB")
    make = lambda wanted, bars: jpeg(reduced(image, wanted, bars), args.quality)
    thumbnail = make(args.exif, args.bars) if args.exif else b""
    pictures = [(kind, make(wanted, False)) for kind, wanted in ((VGA, args.vga), (FULL_HD, args.full_hd)) if wanted]
    return lambda taken: with_previews(photo, exif_segment(size, thumbnail, orientation, taken), pictures)


def main():
    pair = lambda text: tuple(int(n) for n in text.split("x"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exif", type=pair), parser.add_argument("--vga", type=pair), parser.add_argument("--full-hd", type=pair)
    parser.add_argument("--no-bars", dest="bars", action="store_false"), parser.add_argument("--quality", type=int, default=75)
    parser.add_argument("--copies", type=int, default=0), parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    if not args.copies:
        photo = open(args.files[0], "rb").read()
        return open(args.files[1], "wb").write(prepared(photo, args)("2021:07:04 15:32:10"))
    folder, sources = args.files[0], args.files[1:]
    os.makedirs(folder, exist_ok=True)
    made = [prepared(open(name, "rb").read(), args) for name in sources]
    for n in range(args.copies):
        taken = datetime.datetime(2015, 1, 1) + datetime.timedelta(hours=7 * n)
        with open(os.path.join(folder, f"photo{n:06}.jpg"), "wb") as f:
            f.write(made[n % len(made)](taken.strftime("%Y:%m:%d %H:%M:%S")) + b"%08d" % n)


if __name__ == "__main__":
    main()
