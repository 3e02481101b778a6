/*
** Reading XMP; see xmp.h.
**
** Of the RDF only the shapes that programs write are understood: a property is an attribute of rdf:Description, an element in it
** with text inside, or one with a list (rdf:Bag, rdf:Seq, rdf:Alt) of rdf:li with text. Structures within are passed over.
*/
#include "encoder/pixels/xmp.h"

#include <expat.h>
#include <string.h>

#include "encoder/pixels/budget.h"
#include "encoder/pixels/clean.h"
#include "encoder/pixels/kinds.h"
#include "encoder/pixels/texts.h"

#define MAX_XMP ((size_t)1 << 20) /* bytes; editors that keep their history there write more, and are not read */
#define XMP_BUDGET ((uint64_t)16 << 20)
#define MAX_DEPTH 100 /* of elements: real ones go 10 deep */
#define SEPARATOR ' ' /* between a name space and a name, in what expat tells */

#define RDF "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
#define GPANO "http://ns.google.com/photos/1.0/panorama/ "

typedef enum property {
    NOTHING = 0,
    TITLE,
    HEADLINE,
    CAPTION,
    KEYWORDS,
    PATHS, /* keywords in a tree: "Places|Austria|Lech" */
    RATING,
    PERCENT, /* a rating of 1, 25, 50, 75, 99 */
    COMMENT,
    PROGRAM,
    LENS,
    PROJECTION,
    VIEWER
} property;

static const struct {
    const char *name;
    property property;
} properties[] = {
    {"http://purl.org/dc/elements/1.1/ title", TITLE},
    {"http://purl.org/dc/elements/1.1/ description", CAPTION},
    {"http://purl.org/dc/elements/1.1/ subject", KEYWORDS},
    {"http://ns.adobe.com/photoshop/1.0/ Headline", HEADLINE},
    {"http://ns.adobe.com/lightroom/1.0/ hierarchicalSubject", PATHS},
    {"http://www.digikam.org/ns/1.0/ TagsList", PATHS},
    {"http://iptc.org/std/Iptc4xmpExt/2008-02-29/ PersonInImage", KEYWORDS},
    {"http://ns.microsoft.com/photo/1.0/ LastKeywordXMP", KEYWORDS},
    {"http://ns.microsoft.com/photo/1.0 LastKeywordXMP", KEYWORDS},
    {"http://ns.adobe.com/xap/1.0/ Rating", RATING},
    {"http://ns.microsoft.com/photo/1.0/ Rating", PERCENT},
    {"http://ns.microsoft.com/photo/1.0 Rating", PERCENT},
    {"http://ns.adobe.com/exif/1.0/ UserComment", COMMENT},
    {"http://ns.adobe.com/xap/1.0/ CreatorTool", PROGRAM},
    {"http://ns.adobe.com/exif/1.0/aux/ Lens", LENS},
    {"http://cipa.jp/exif/1.0/ LensModel", LENS},
    {GPANO "ProjectionType", PROJECTION},
    {GPANO "UsePanoramaViewer", VIEWER},
};

typedef struct reader {
    XML_Parser parser;
    ps__camera_notes *notes;
    ps__camera_texts *texts;
    char headline[sizeof((ps__camera_texts *)0)->title];
    int percent;       /* stars by PERCENT */
    int projected;     /* a projection is named */
    int flat;          /* but no viewer of panoramas is to be used */
    int depth;         /* of the element at hand; the outermost has 1 */
    int rdf;           /* depth of rdf:RDF; 0: outside */
    property property; /* at hand */
    int capture;       /* depth of the element whose text is kept; 0: none */
    int preferred;     /* xml:lang="x-default" */
    size_t length;     /* of text */
    char text[8192];   /* longer ones are cut */
} reader;

/* ---- Values -------------------------------------------------------------------------------------------------------------- */

static property find(const char *name) {
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (!strcmp(properties[i].name, name)) return properties[i].property;
    return NOTHING;
}

/* A number of digits, with anything behind it; -1: none. */
static int leading_number(const char *text) {
    int value = -1;
    for (; *text >= '0' && *text <= '9' && value < 1000; text++) value = (value < 0 ? 0 : 10 * value) + (*text - '0');
    return value;
}

static int stars(int number) { return number >= 1 && number <= 5 ? number : 0; }

static int stars_of_percent(int percent) {
    if (percent < 1 || percent > 100) return 0;
    return percent <= 12 ? 1 : percent <= 37 ? 2 : percent <= 62 ? 3 : percent <= 87 ? 4 : 5;
}

/* In the language that the file prefers, else the first. */
static void take_text(char *out, size_t room, const reader *r, const char *text, size_t length) {
    if (!out[0] || r->preferred) ps__clean_text(out, room, text, length);
}

static void add_keyword(reader *r, const char *text, size_t length) {
    char word[sizeof r->headline];
    ps__clean_text(word, sizeof word, text, length);
    ps__texts_add_keyword(r->texts, word);
}

/* Each step of a path is a keyword: digiKam separates them by '/', Lightroom by '|'. */
static void add_path(reader *r, const char *text, size_t length) {
    size_t from = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] != '|' && text[i] != '/') continue;
        add_keyword(r, text + from, i - from);
        from = i + 1;
    }
}

static void take_words(reader *r, property p, const char *text, size_t length) {
    if (!r->texts) return;
    switch (p) {
    case TITLE: take_text(r->texts->title, sizeof r->texts->title, r, text, length); break;
    case HEADLINE: take_text(r->headline, sizeof r->headline, r, text, length); break;
    case CAPTION: take_text(r->texts->caption, sizeof r->texts->caption, r, text, length); break;
    case KEYWORDS: add_keyword(r, text, length); break;
    case PATHS: add_path(r, text, length); break;
    default: break;
    }
}

static void take(reader *r, property p, const char *text, size_t length) {
    char small[100];
    take_words(r, p, text, length);
    ps__clean_text(small, sizeof small, text, length);
    switch (p) {
    case RATING: r->notes->rating = stars(leading_number(small)); break;
    case PERCENT: r->percent = stars_of_percent(leading_number(small)); break;
    case COMMENT: r->notes->kinds |= ps__kinds_of_comment(small); break;
    case PROGRAM: r->notes->kinds |= ps__kinds_of_software(small); break;
    case LENS: r->notes->kinds |= ps__kinds_of_lens(small); break;
    case PROJECTION: r->projected |= small[0] != 0; break;
    case VIEWER:
        r->projected |= small[0] == 'T' || small[0] == 't' || small[0] == '1';
        r->flat = small[0] == 'F' || small[0] == 'f' || small[0] == '0';
        break;
    default: break;
    }
}

/* ---- Elements ------------------------------------------------------------------------------------------------------------ */

static const char *attribute(const XML_Char **attributes, const char *name) {
    for (; *attributes; attributes += 2)
        if (!strcmp(attributes[0], name)) return attributes[1];
    return NULL;
}

static void capture(reader *r, int on) {
    r->capture = on ? r->depth : 0;
    r->length = 0;
}

static void XMLCALL on_start(void *payload, const XML_Char *name, const XML_Char **attributes) {
    reader *r = payload;
    if (++r->depth > MAX_DEPTH) {
        XML_StopParser(r->parser, XML_FALSE);
        return;
    }
    if (!r->rdf) {
        if (!strcmp(name, RDF "RDF")) r->rdf = r->depth;
        return;
    }
    const char *language = attribute(attributes, "http://www.w3.org/XML/1998/namespace lang");
    switch (r->depth - r->rdf) {
    case 1: /* rdf:Description */
        r->preferred = 0;
        for (; *attributes; attributes += 2) {
            property p = find(attributes[0]);
            if (p) take(r, p, attributes[1], strlen(attributes[1]));
        }
        break;
    case 2:
        r->property = find(name);
        r->preferred = 0;
        capture(r, r->property != NOTHING);
        break;
    case 4:
        r->preferred = language && !strcmp(language, "x-default");
        capture(r, r->property != NOTHING && !strcmp(name, RDF "li"));
        break;
    default: capture(r, 0); break;
    }
}

static void XMLCALL on_text(void *payload, const XML_Char *text, int length) {
    reader *r = payload;
    if (!r->capture || r->capture != r->depth) return;
    size_t n = (size_t)length, room = sizeof r->text - r->length;
    if (n > room) n = room;
    memcpy(r->text + r->length, text, n);
    r->length += n;
}

static void XMLCALL on_end(void *payload, const XML_Char *name) {
    reader *r = payload;
    (void)name;
    if (r->capture && r->capture == r->depth) {
        take(r, r->property, r->text, r->length);
        capture(r, 0);
    }
    if (r->rdf && r->depth == r->rdf + 2) r->property = NOTHING;
    if (r->depth == r->rdf) r->rdf = 0;
    r->depth--;
}

static void XMLCALL on_doctype(void *payload, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                               int internal) {
    reader *r = payload;
    (void)name, (void)system, (void)public, (void)internal;
    XML_StopParser(r->parser, XML_FALSE);
}

/* ---- The document -------------------------------------------------------------------------------------------------------- */

static void parse(reader *r, const uint8_t *bytes, size_t size) {
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    XML_Parse(r->parser, (const char *)bytes, (int)size, XML_TRUE); /* whatever it says of the end: what was read is there */
    if (r->texts && !r->texts->title[0]) memcpy(r->texts->title, r->headline, sizeof r->headline);
    if (!r->notes->rating) r->notes->rating = r->percent;
    if (r->projected && !r->flat) r->notes->kinds |= PS__PICTURE_PANORAMA;
}

int ps__xmp_read(ps__camera_notes *notes, ps__camera_texts *texts, const uint8_t *bytes, size_t size, ps__error *err) {
    static const XML_Memory_Handling_Suite memory = {ps__budget_malloc, ps__budget_realloc, ps__budget_free};
    static const XML_Char separator[2] = {SEPARATOR, 0};
    reader r = {.notes = notes, .texts = texts};
    if (!size || size > MAX_XMP) return PS__OK;
    ps__budget_begin(XMP_BUDGET);
    r.parser = XML_ParserCreate_MM(NULL, &memory, separator);
    if (r.parser) {
        parse(&r, bytes, size);
        XML_ParserFree(r.parser);
    }
    return ps__budget_end(NULL) == PS__NOMEM ? ps__fail_nomem(err) : PS__OK;
}
