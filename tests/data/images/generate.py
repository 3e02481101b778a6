"""Makes the pictures of this folder again, apart from orientation/ (see README.md). Never needed to build or test.

    python3 generate.py [WIDTH HEIGHT]     needs Pillow, numpy, cjpeg (libjpeg-turbo-progs) and heif-enc (libheif-examples)

The pictures of this folder are 64 x 48; smaller ones are what fuzzing starts from (tests/fuzz/seeds.py).
"""
import io, struct, subprocess, sys, zlib
import numpy as np
from PIL import Image

W, H = map(int, sys.argv[1:3]) if len(sys.argv) == 3 else (64, 48)


def scene():
    """Sky, sun, hill, house: every corner has a colour of its own, so that no turn or mirroring goes unnoticed."""
    y, x = np.mgrid[0:H, 0:W]
    rgb = np.stack([60 + y * 2, 120 + y * 2, 250 - y * 2], -1)
    rgb[(x - 50) ** 2 + (y - 9) ** 2 < 36] = (250, 220, 60)
    rgb[y > 30 + 4 * np.sin(x / 9)] = (60, 150, 50)
    rgb[24:40, 8:26] = (170, 50, 40)
    rgb[30:40, 12:17] = (40, 30, 90)
    return rgb.astype(np.uint8)


RGB = scene()
ALPHA = np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1))
RGBA = np.dstack([RGB, ALPHA])
GREY = np.asarray(Image.fromarray(RGB).convert("L"))
picture = Image.fromarray(RGB)


def exif(orientation=1):
    e = Image.Exif()
    e[0x0112] = orientation
    e[0x010F], e[0x0110] = "Lumen", "Field Camera 2"
    e[0x0132] = "2022:01:01 00:00:00"
    sub = e.get_ifd(0x8769)
    sub[0x9003], sub[0x9011], sub[0xA434] = "2021:07:04 15:32:10", "+02:00", "35mm f/1.8"
    gps = e.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (47.0, 15.0, 45.0), "E", (11.0, 24.0, 0.0)
    return e


def save(name, image=picture, **options):
    image.save(name, **options)


def tool(*command, stdin=None):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(name, samples, depth, colour, interlaced=False, extra=b""):
    """samples: [H][W][channels] of depth 8 or 16."""
    def rows(part):
        part = part.astype(">u2" if depth == 16 else "u1")
        return b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    data = b"".join(rows(samples[y::dy, x::dx]) for x, y, dx, dy in passes) if interlaced else rows(samples)
    head = struct.pack(">IIBBBBB", W, H, depth, colour, 0, 0, int(interlaced))
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def packbits(row):
    out, i = b"", 0
    while i < len(row):
        run = 1
        while i + run < len(row) and run < 128 and row[i + run] == row[i]: run += 1
        if run > 2:
            out += bytes([257 - run, row[i]])
            i += run
        else:
            j = i
            while j < len(row) and j - i < 128 and not (j + 2 < len(row) and row[j] == row[j + 1] == row[j + 2]): j += 1
            out += bytes([j - i - 1]) + bytes(row[i:j])
            i = j
    return out


def psd(name, planes, packed, depth=8):
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, len(planes), H, W, depth, 3) + struct.pack(">III", 0, 0, 0)
    if packed:
        rows = [packbits(bytes(row)) for plane in planes for row in plane]
        body = struct.pack(">H", 1) + b"".join(struct.pack(">H", len(r)) for r in rows) + b"".join(rows)
    else:
        body = struct.pack(">H", 0) + b"".join((p.astype(">u2") * 257 if depth == 16 else p).tobytes() for p in planes)
    open(name, "wb").write(head + body)


def hdr(name, packed):
    linear = (RGB / 255.0) ** 2.2
    mantissa, exponent = np.frexp(linear.max(-1))
    scale = np.where(linear.max(-1) > 0, mantissa * 256 / np.maximum(linear.max(-1), 1e-30), 0)
    rgbe = np.dstack([linear * scale[..., None], exponent + 128]).astype(np.uint8)
    body = b""
    for row in rgbe:
        if not packed:
            body += row.tobytes()
            continue
        body += struct.pack(">BBH", 2, 2, W)
        for part in row.T:
            i = 0
            while i < W:
                run = 1
                while i + run < W and run < 127 and part[i + run] == part[i]: run += 1
                body += bytes([128 + run, part[i]]) if run > 1 else bytes([1, part[i]])
                i += run
    open(name, "wb").write(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (H, W) + body)


def jpegs():
    ppm = io.BytesIO()
    picture.save(ppm, "PPM")
    save("baseline.jpg", quality=92)
    save("progressive.jpg", quality=92, progressive=True)
    save("sampling444.jpg", quality=92, subsampling=0)
    save("grey.jpg", Image.fromarray(GREY), quality=92)
    save("cmyk.jpg", picture.convert("CMYK"), quality=95)
    save("rgb.jpg", quality=95, keep_rgb=True)
    save("exif.jpg", quality=92, exif=exif())
    for name, options in [("arithmetic", ["-arithmetic"]), ("arithmetic_progressive", ["-arithmetic", "-progressive"]),
                          ("restart", ["-restart", "1"])]:
        open(name + ".jpg", "wb").write(tool("cjpeg", "-quality", "92", *options, stdin=ppm.getvalue()))
    open("/tmp/scans.txt", "w").write("0;\n1;\n2;\n")
    open("scans.jpg", "wb").write(tool("cjpeg", "-quality", "92", "-scans", "/tmp/scans.txt", stdin=ppm.getvalue()))


def main():
    open("scene.rgb", "wb").write(RGB.tobytes())
    jpegs()
    save("rgb.png", exif=exif(6))
    save("rgba.png", Image.fromarray(RGBA))
    save("grey.png", Image.fromarray(GREY))
    save("grey_alpha.png", Image.fromarray(np.dstack([GREY, ALPHA]), "LA"))
    save("palette.png", picture.quantize(32))
    save("bits1.png", Image.fromarray(GREY).point(lambda v: 255 * (v > 128)).convert("1"))
    png("rgb16.png", RGB.astype(np.uint16) * 257, 16, 2)
    png("grey16.png", GREY[..., None].astype(np.uint16) * 257, 16, 0)
    png("interlaced.png", RGB, 8, 2, interlaced=True)
    short = np.clip(GREY // 8, 0, 31)[..., None]
    png("short_palette.png", short, 8, 3, extra=chunk(b"PLTE", bytes(range(30))) + chunk(b"tRNS", bytes([255, 0])))
    frames = picture.quantize(64)
    save("still.gif", frames)
    save("animated.gif", frames, save_all=True, append_images=[picture.rotate(180).quantize(64)], duration=100)
    save("rgb.bmp")
    save("palette.bmp", picture.quantize(256))
    save("bits1.bmp", Image.fromarray(GREY).convert("1"))
    save("rgba.bmp", Image.fromarray(RGBA))
    save("rgb.tga")
    save("rgba.tga", Image.fromarray(RGBA))
    save("packed.tga", compression="tga_rle")
    save("palette.tga", picture.quantize(64))
    save("grey.tga", Image.fromarray(GREY))
    planes = [RGB[..., c] for c in range(3)]
    psd("raw.psd", planes, False)
    psd("packed.psd", planes, True)
    psd("bits16.psd", planes, False, 16)
    white = (RGB.astype(int) * ALPHA[..., None] + 255 * (255 - ALPHA[..., None].astype(int)) + 127) // 255
    psd("alpha.psd", [white[..., c].astype(np.uint8) for c in range(3)] + [ALPHA], True)
    hdr("flat.hdr", False)
    hdr("packed.hdr", True)
    save("lossy.webp", quality=92, exif=exif(3))
    save("lossless.webp", lossless=True)
    save("alpha.webp", Image.fromarray(RGBA), lossless=True)
    save("animated.webp", save_all=True, append_images=[picture.rotate(180)], lossless=True, duration=100)
    for orientation in range(1, 9):
        transposed = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
        stored = picture if transposed is None else picture.transpose(transposed)
        save(f"turned{orientation}.avif", stored, quality=90, exif=exif(orientation))
    save("alpha.avif", Image.fromarray(RGBA), quality=90)
    tool("heif-enc", "-q", "90", "exif.jpg", "-o", "exif.heic")
    tool("heif-enc", "-q", "90", "rgba.png", "-o", "alpha.heic")
    Image.new("RGB", (4 * W, 4 * W), (90, 120, 40)).save("/tmp/large.png")
    tool("heif-enc", "-q", "10", "/tmp/large.png", "-o", "large.heic")
    resized()


def noise(width, height):
    """The same bytes as noise() in tests/pixels/test_resize.c."""
    state, out = 12345, bytearray()
    for _ in range(width * height * 3):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        out.append(state >> 24)
    return Image.frombytes("RGB", (width, height), bytes(out))


def resized():
    with open("resized.bin", "wb") as f:
        for w, h, ow, oh in [(37, 23, 16, 9), (16, 9, 37, 23), (100, 60, 33, 60), (100, 60, 100, 21), (500, 375, 56, 56), (3, 400, 8, 8),
                             (400, 3, 8, 8), (1, 1, 7, 5), (7, 5, 1, 1), (40, 30, 40, 30), (225, 223, 32, 31), (641, 13, 5, 64),
                             (60, 125, 56, 56), (30, 70, 16, 20), (64, 97, 32, 32), (64, 96, 32, 32)]:
            out = noise(w, h).resize((ow, oh), Image.BICUBIC)
            f.write(struct.pack("<IIII", w, h, ow, oh) + out.tobytes())


main()
