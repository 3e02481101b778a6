/*
** Finding and reading what files say about their photos; see metadata.h. Nothing is copied until it is read, and every walk goes
** forward.
*/
#include "encoder/pixels/metadata.h"

#include <string.h>

#include "encoder/pixels/clean.h"
#include "encoder/pixels/exif.h"
#include "encoder/pixels/iptc.h"
#include "encoder/pixels/kinds.h"
#include "encoder/pixels/resources.h"
#include "encoder/pixels/segments.h"
#include "encoder/pixels/texts.h"
#include "encoder/pixels/xmp.h"

/* ---- Reading ------------------------------------------------------------------------------------------------------------- */

/* What the container says itself counts where nothing else said anything. */
static void read_plain(ps__camera_notes *notes, ps__camera_texts *texts, const ps__metadata *found) {
    char text[sizeof texts->title];
    ps__clean_bytes(text, sizeof text, found->comment.bytes, found->comment.size);
    notes->kinds |= ps__kinds_of_comment(text);
    ps__clean_bytes(text, sizeof text, found->software.bytes, found->software.size);
    notes->kinds |= ps__kinds_of_software(text);
    ps__clean_bytes(text, sizeof text, found->title.bytes, found->title.size);
    notes->kinds |= ps__kinds_of_comment(text);
    if (!texts) return;
    if (!texts->title[0] && ps__is_prose(text)) memcpy(texts->title, text, sizeof text);
    if (texts->caption[0]) return;
    ps__clean_bytes(texts->caption, sizeof texts->caption, found->caption.bytes, found->caption.size);
    notes->kinds |= ps__kinds_of_comment(texts->caption);
    if (!ps__is_prose(texts->caption)) texts->caption[0] = 0;
}

int ps__metadata_read(ps__camera_notes *notes, ps__camera_texts *texts, const ps__metadata *found, ps__error *err) {
    ps__camera_notes by_xmp;
    ps__exif_none(notes);
    ps__exif_none(&by_xmp);
    if (texts) memset(texts, 0, sizeof *texts);
    int status = ps__xmp_read(&by_xmp, texts, found->xmp.bytes, found->xmp.size, err);
    if (texts && found->iptc.bytes) ps__iptc_read(texts, found->iptc.bytes, found->iptc.size);
    if (!status) status = ps__exif_read(notes, texts, found->exif.bytes, found->exif.size, err);
    if (by_xmp.rating) notes->rating = by_xmp.rating;
    notes->kinds |= by_xmp.kinds;
    if (!status) read_plain(notes, texts, found);
    return status;
}

/* ---- Finding ------------------------------------------------------------------------------------------------------------- */

static void keep(ps__block *out, const uint8_t *bytes, size_t size) {
    if (!out->bytes && size) *out = (ps__block){bytes, size};
}

void ps__metadata_of_resources(ps__metadata *found, const uint8_t *resources, size_t size) {
    size_t length;
    const uint8_t *block = ps__resource_find(&length, resources, size, PS__RESOURCE_IPTC);
    if (block) keep(&found->iptc, block, length);
    block = ps__resource_find(&length, resources, size, PS__RESOURCE_XMP);
    if (block) keep(&found->xmp, block, length);
}

/* 1 when the segment begins with this name, which has a 0 at its end. */
static int is_named(const ps__segment *s, unsigned marker, const char *name) {
    size_t length = strlen(name) + 1;
    return s->marker == marker && s->size >= length && !memcmp(s->data, name, length);
}

void ps__metadata_of_jpeg(ps__metadata *found, const uint8_t *bytes, size_t size) {
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/", photoshop[] = "Photoshop 3.0";
    ps__segment s;
    for (size_t at = 0; ps__segment_next(&s, bytes, size, &at);) {
        if (ps__segment_is_exif(&s))
            keep(&found->exif, s.data, s.size);
        else if (is_named(&s, 0xE1, xmp))
            keep(&found->xmp, s.data + sizeof xmp, s.size - sizeof xmp);
        else if (is_named(&s, 0xED, photoshop))
            ps__metadata_of_resources(found, s.data + sizeof photoshop, s.size - sizeof photoshop);
    }
}

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* The text of an iTXt chunk, whose keyword is over at `at`; compressed ones are not read. */
static ps__block international_text(const uint8_t *body, size_t size, size_t at) {
    const ps__block none = {NULL, 0};
    if (size - at < 2 || body[at]) return none;
    at += 2;                      /* whether it is compressed, and how */
    for (int i = 0; i < 2; i++) { /* a language, and the keyword in it */
        const uint8_t *end = at < size ? memchr(body + at, 0, size - at) : NULL;
        if (!end) return none;
        at = (size_t)(end - body) + 1;
    }
    return (ps__block){body + at, size - at};
}

static void keep_text(ps__metadata *found, const char *keyword, ps__block text) {
    const struct {
        const char *keyword;
        ps__block *block;
    } table[] = {{"XML:com.adobe.xmp", &found->xmp},
                 {"Title", &found->title},
                 {"Description", &found->caption},
                 {"Comment", &found->comment},
                 {"Software", &found->software}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(keyword, table[i].keyword)) keep(table[i].block, text.bytes, text.size);
}

void ps__metadata_of_png(ps__metadata *found, const uint8_t *bytes, size_t size) {
    for (size_t at = 8; at < size && size - at >= 12;) {
        const uint8_t *type = bytes + at + 4, *body = type + 4;
        size_t length = be32(bytes + at);
        if (length > size - at - 12) return;
        const uint8_t *end = memchr(body, 0, length < 80 ? length : 80); /* keywords have 79 bytes at most */
        size_t text = end ? (size_t)(end - body) + 1 : 0;
        if (!memcmp(type, "eXIf", 4)) keep(&found->exif, body, length);
        if (end && !memcmp(type, "tEXt", 4)) keep_text(found, (const char *)body, (ps__block){body + text, length - text});
        if (end && !memcmp(type, "iTXt", 4)) keep_text(found, (const char *)body, international_text(body, length, text));
        at += 12 + length;
    }
}
