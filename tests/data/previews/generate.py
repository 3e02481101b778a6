"""Makes the files of this folder again. Never needed to build or test.

    python3 generate.py     needs Pillow and heif-enc (libheif-examples)

The photos are a drawn scene of 96 x 64 pixels, or 64 x 64, or 112 x 63, so that they are short; their previews are larger than they
are, which no reader can know before it has looked. Photos show the scene in grey, previews in colour: which of them was decoded is seen.
"""
import os, struct, subprocess
from PIL import Image, ImageDraw
from add_preview import *


def scene(width, height):
    """Sky, sun, meadow, house: every corner has a colour of its own, so that no turn or mirroring goes unnoticed."""
    k = 4
    image = Image.new("RGB", (width * k, height * k), (90, 150, 230))
    draw, w, h = ImageDraw.Draw(image), width * k, height * k
    draw.rectangle((0, h * .6, w, h), fill=(70, 150, 60))
    draw.rectangle((0, h * .4, w * .35, h * .8), fill=(190, 60, 50))
    draw.ellipse((w * .72, h * .05, w * .95, h * .4), fill=(250, 220, 60))
    draw.rectangle((w * .7, h * .8, w, h), fill=(240, 240, 240))
    return image.resize((width, height), Image.BOX)


STORED = {1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE, 6: Image.ROTATE_90,
          7: Image.TRANSVERSE, 8: Image.ROTATE_270}


def stored(image, orientation):
    return image if orientation == 1 else image.transpose(STORED[orientation])


def grey(size, orientation=1):
    return jpeg(stored(scene(*size).convert("L"), orientation), 30)


def thumbnail(size, within=(160, 120), orientation=1, bars=True, quality=60):
    return jpeg(stored(reduced(scene(size[0] * 4, size[1] * 4), within, bars), orientation), quality)


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


def exif(name, size=(96, 64), within=(160, 120), orientation=1, bars=False, change=None, order="<", pictures=(), cut=None, stream=None):
    small = stream if stream is not None else thumbnail(size, within, orientation, bars)
    shape = size if orientation < 5 else size[::-1]
    data = with_previews(grey(size, orientation), exif_segment(shape, small, orientation, order=order, change=change), pictures, order)
    write(name, data[:cut])


def number(order, value):
    return 4, 1, struct.pack(order + "I", value)


def with_entry(tag, value):
    """The second directory with another value for one LONG tag."""
    return lambda entries, link, order: ([(t, *number(order, value)) if t == tag else (t, *r) for t, *r in entries], link, 0)


def cyclic(entries, link, order):
    return entries, 8, 8


def uncompressed(entries, link, order):
    return [(0x0103, 3, 1, struct.pack(order + "H", 1))] + entries[1:], link, 0


def second_follows_itself(entries, link, order):
    return entries, link, link


def large(size=(640, 427), shift=0):
    """A preview of the scene in strong contrast to the thumbnail's: its sun is where the thumbnail's is, its sky is violet."""
    image = scene(size[0], size[1])
    draw = ImageDraw.Draw(image)
    draw.rectangle((size[0] * .36, 0, size[0] * .7, size[1] * .58), fill=(150, 40, 200))
    return jpeg(image, 25)


GAIN_MAP = jpeg(Image.linear_gradient("L").resize((160, 107)), 40)


def boxes(data):
    """(type, whole box) of a stretch of ISO boxes."""
    at = 0
    while at < len(data):
        length, = struct.unpack(">I", data[at:at + 4])
        yield data[at + 4:at + 8], data[at:at + length]
        at += length


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


def moved(iloc, by):
    """An iloc box whose items lie `by` bytes further back in the file. Only for the version and field sizes that heif-enc writes."""
    assert iloc[8] == 0 and iloc[12:14] == b"\x44\x40"
    out, at = bytearray(iloc), 16
    for _ in range(struct.unpack(">H", iloc[14:16])[0]):
        base, extents = struct.unpack(">IH", iloc[at + 4:at + 10])
        out[at + 4:at + 8] = struct.pack(">I", base + by)
        at += 10 + 8 * extents
    return bytes(out)


def with_turns(data, properties, items):
    """A HEIF file with transformative properties (whole boxes) for the given items."""
    parts = dict(boxes(data))
    meta = parts[b"meta"]
    inner = dict(boxes(meta[12:]))
    iprp = dict(boxes(inner[b"iprp"][8:]))
    ipma, first = iprp[b"ipma"], 1 + len(list(boxes(iprp[b"ipco"][8:])))
    assert ipma[8] == 0 and not ipma[11] & 1
    rows, at = b"", 16
    for _ in range(struct.unpack(">I", ipma[12:16])[0]):
        item, count = struct.unpack(">HB", ipma[at:at + 3])
        more = bytes(0x80 | first + n for n in range(len(properties))) if item in items else b""
        rows += struct.pack(">HB", item, count + len(more)) + ipma[at + 3:at + 3 + count] + more
        at += 3 + count
    ipco = box(b"ipco", iprp[b"ipco"][8:] + b"".join(properties))
    inner[b"iprp"] = box(b"iprp", ipco + box(b"ipma", ipma[8:16] + rows))
    by = len(b"".join(inner.values())) + 12 - len(meta)
    inner[b"iloc"] = moved(inner[b"iloc"], by)
    parts[b"meta"] = box(b"meta", meta[8:12] + b"".join(inner.values()))
    return b"".join(parts.values())


def irot(quarters):
    """Quarter turns against the clock."""
    return box(b"irot", bytes([quarters]))


PHOTO, THUMBNAIL = 1, 3  # numbers that heif-enc gives; the item between is EXIF
IMIR = box(b"imir", b"\1")  # left and right change places


def container(name, orientation=1, thumb=128, *options, turns=(), items=()):
    """The EXIF repeats what the container says, as in real files: it must not be applied again."""
    photo, note = scene(192, 128), Image.Exif()
    note[0x0112] = orientation
    note[0x0110] = "Field Camera 2"
    stored(photo, orientation).save("in.jpg", quality=90, exif=note)
    subprocess.run(["heif-enc", "-q", "40", *(["-t", str(thumb)] if thumb else []), *options, "-o", name, "in.jpg"], check=True,
                   stdout=subprocess.DEVNULL)
    os.remove("in.jpg")
    if turns: write(name, with_turns(open(name, "rb").read(), turns, items))


def main():
    for orientation in range(1, 9): exif(f"exif{orientation}.jpg", orientation=orientation)
    exif("big_endian.jpg", order=">")
    exif("bars_above.jpg", bars=True)
    exif("bars_wide.jpg", size=(112, 63), bars=True, orientation=6)
    exif("bars_beside.jpg", size=(64, 64), bars=True)
    exif("squeezed.jpg", stream=jpeg(scene(640, 427).resize((160, 120)), 60))
    exif("sideways.jpg", stream=jpeg(scene(640, 427).resize((160, 107)).rotate(90, expand=True), 60))
    exif("tiny.jpg", within=(80, 60))
    exif("uncompressed.jpg", change=uncompressed, stream=bytes(96 * 64 * 3))
    exif("no_jpeg.jpg", stream=b"\xFF\xD8 no, not at all a JPEG stream")
    exif("cut_thumbnail.jpg", stream=thumbnail((96, 64), bars=False)[:1200])
    exif("outside.jpg", change=with_entry(0x0201, 0xFFFFFFF0))
    exif("too_long.jpg", change=with_entry(0x0202, 0xFFFFFFFF))
    exif("longer_than_block.jpg", change=with_entry(0x0202, 60000))
    exif("cyclic.jpg", change=cyclic)
    exif("self_cyclic.jpg", change=second_follows_itself)
    write("absent.jpg", with_previews(grey((96, 64)), exif_segment((96, 64))))
    write("bare.jpg", grey((96, 64)))
    exif("vga.jpg", pictures=[(VGA, large())])
    exif("vga_little_endian.jpg", pictures=[(FULL_HD, large((960, 640))), (VGA | 0x40000000, large())], order="<")
    exif("gain_map.jpg", pictures=[(UNDEFINED, GAIN_MAP)])
    exif("stereo.jpg", pictures=[(DISPARITY, GAIN_MAP), (PANORAMA, large())])
    exif("full_hd_beside_exif.jpg", pictures=[(FULL_HD, large((960, 640)))])
    write("full_hd.jpg", with_previews(grey((96, 64)), exif_segment((96, 64)), [(UNDEFINED, GAIN_MAP), (FULL_HD, large((960, 640)))]))
    write("only_gain_map.jpg", with_previews(grey((96, 64)), b"", [(UNDEFINED, GAIN_MAP)]))
    exif("vga_cut_off.jpg", pictures=[(VGA, large())], cut=-100)
    container("thumbnail.heic")
    container("turned.heic", 6, turns=[irot(3)], items=(PHOTO, THUMBNAIL))
    container("upside_down.heic", 3, turns=[irot(2)], items=(PHOTO, THUMBNAIL))
    container("mirrored.heic", 7, turns=[irot(1), IMIR], items=(PHOTO, THUMBNAIL))
    container("only_photo_turned.heic", 3, turns=[irot(2)], items=(PHOTO,))
    container("only_thumbnail_turned.heic", 1, turns=[irot(2)], items=(THUMBNAIL,))
    container("tiny.heic", 1, 64)
    container("absent.heic", 1, 0)
    container("thumbnail.avif", 1, 128, "-A")


if __name__ == "__main__":
    main()
