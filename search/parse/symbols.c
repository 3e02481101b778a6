/*
** The symbols of the word tables by name: what tools/words checks a table against.
*/
#include "search/parse/tables.h"

#include <stddef.h>

static const char *const SEASONS[] = {"spring", "summer", "autumn", "winter", NULL};
static const char *const DAYPARTS[] = {"morning", "noon", "afternoon", "evening", "night", "midnight", NULL};
static const char *const UNITS[] = {"minute", "hour", "day", "week", "weekend", "month", "year", "decade", NULL};
static const char *const LENGTHS[] = {"m", "km", "mi", NULL};
static const char *const ACTIONS[] = {"is",     "this",   "last",  "next",    "last-n", "ago",      "before",
                                      "after",  "since",  "until", "between", "around", "begin-of", "middle-of",
                                      "end-of", "decade", "older", "every",   "recent",
                                      "ago-today", "older-than", NULL};
static const char *const WEEKDAYS[] = {"weekend", NULL};
static const char *const WHENS[] = {"in", "of", NULL};
static const char *const WHERES[] = {"in", "near", "within", "of", NULL};
static const char *const KINDS[] = {"", "screenshot", "panorama", "", "selfie", NULL}; /* as PS__KIND_* */
static const char *const SHAPES[] = {"", "portrait", "landscape", "square", "panorama", NULL};
static const char *const SWITCH[] = {"off", "on", NULL};
static const char *const SIZES[] = {"mp", "mb", "kb", NULL};
static const char *const ORDERS[] = {"", "newest", "oldest", NULL};

#define SLOT(name)                                                                                                               \
    { name, NULL, PS__STAGE_NONE, PS__VALUE_NONE, 0, 0, NULL }
#define PLAIN(slot, rule, stage)                                                                                                 \
    { slot, rule, stage, PS__VALUE_NONE, 0, 0, NULL }
#define NUMBER(slot, rule, stage, low, high)                                                                                     \
    { slot, rule, stage, PS__VALUE_NUMBER, low, high, NULL }
#define NAMES(slot, rule, stage, names)                                                                                          \
    { slot, rule, stage, PS__VALUE_NAME, 0, 0, names }

const ps__symbol ps__symbols[PS__SYM_COUNT] = {
    [PS__SYM_N] = NUMBER("n", "number", PS__STAGE_WORDS, 0, 1000000),
    [PS__SYM_YEAR] = SLOT("year"),
    [PS__SYM_DAY] = SLOT("day"),
    [PS__SYM_CLOCK] = PLAIN("clock", "clock", PS__STAGE_WORDS),
    [PS__SYM_ISODATE] = SLOT("isodate"),
    [PS__SYM_LOCALDATE] = SLOT("localdate"),
    [PS__SYM_WORD] = SLOT("word"),
    [PS__SYM_WORDS] = SLOT("words"),
    [PS__SYM_CAMERA] = SLOT("camera"),
    [PS__SYM_LENS] = SLOT("lens"),
    [PS__SYM_PLACE] = SLOT("place"),
    [PS__SYM_QUOTED] = SLOT("quoted"),
    [PS__SYM_ORDINAL] = NUMBER("ordinal", "ordinal", PS__STAGE_WORDS, 0, 1000),
    [PS__SYM_MONTH] = NUMBER("month", "month", PS__STAGE_WORDS, 1, 12),
    [PS__SYM_WEEKDAY] = NUMBER("weekday", "weekday", PS__STAGE_WORDS, 1, 7),
    [PS__SYM_WEEKEND] = NAMES("weekend", "weekdays", PS__STAGE_WORDS, WEEKDAYS),
    [PS__SYM_SEASON] = NAMES("season", "season", PS__STAGE_WORDS, SEASONS),
    [PS__SYM_DAYPART] = NAMES("daypart", "daypart", PS__STAGE_WORDS, DAYPARTS),
    [PS__SYM_HOLIDAY] = {"holiday", "holiday", PS__STAGE_WORDS, PS__VALUE_TEXT, 0, 0, NULL},
    [PS__SYM_UNIT] = NAMES("unit", "unit", PS__STAGE_WORDS, UNITS),
    [PS__SYM_RELDAY] = NUMBER("relday", "relday", PS__STAGE_WORDS, -7, 7),
    [PS__SYM_RELNIGHT] = NUMBER("relnight", "relnight", PS__STAGE_WORDS, -7, 7),
    [PS__SYM_RELWEEK] = NUMBER("relweek", "relweek", PS__STAGE_WORDS, -9, 9),
    [PS__SYM_RELMONTH] = NUMBER("relmonth", "relmonth", PS__STAGE_WORDS, -9, 9),
    [PS__SYM_RELYEAR] = NUMBER("relyear", "relyear", PS__STAGE_WORDS, -9, 9),
    [PS__SYM_LENGTH] = NAMES("length", "length", PS__STAGE_WORDS, LENGTHS),
    [PS__SYM_DECADE] = NUMBER("decade", "decade", PS__STAGE_WORDS, 0, 2090),
    [PS__SYM_PHOTO] = PLAIN("photo", "photo", PS__STAGE_WORDS),
    [PS__SYM_NOISE] = PLAIN("noise", "noise", PS__STAGE_WORDS),
    [PS__SYM_SMALL] = PLAIN("small", "small", PS__STAGE_WORDS),
    [PS__SYM_LINK] = PLAIN(NULL, "link", PS__STAGE_WORDS),
    [PS__SYM_ARTICLE] = PLAIN(NULL, "article", PS__STAGE_WORDS),
    [PS__SYM_MELTED] = PLAIN(NULL, "melted", PS__STAGE_WORDS),
    [PS__SYM_CONTENT] = PLAIN(NULL, "content", PS__STAGE_WORDS),
    [PS__SYM_DEMONYM] = {"demonym", "demonym", PS__STAGE_WORDS, PS__VALUE_COUNTRY, 0, 0, NULL},
    [PS__SYM_PLACELIKE] = PLAIN("placelike", "placelike", PS__STAGE_WORDS),
    [PS__SYM_AMBIGUOUS_PLACE] = PLAIN(NULL, "ambiguous-place", PS__STAGE_WORDS),
    [PS__SYM_AMBIGUOUS_CAMERA] = PLAIN(NULL, "ambiguous-camera", PS__STAGE_WORDS),
    [PS__SYM_NOT] = PLAIN(NULL, "not", PS__STAGE_WORDS),
    [PS__SYM_OR] = PLAIN(NULL, "or", PS__STAGE_WORDS),
    [PS__SYM_AND] = PLAIN(NULL, "and", PS__STAGE_WORDS),
    [PS__SYM_BUT] = PLAIN(NULL, "but", PS__STAGE_WORDS),
    [PS__SYM_TIME] = NAMES("time", "time", PS__STAGE_TIME, ACTIONS),
    [PS__SYM_WHEN] = NAMES(NULL, "when", PS__STAGE_PHRASE, WHENS),
    [PS__SYM_WHERE] = NAMES(NULL, "where", PS__STAGE_PHRASE, WHERES),
    [PS__SYM_KIND] = NAMES(NULL, "kind", PS__STAGE_PHRASE, KINDS),
    [PS__SYM_SHAPE] = NAMES(NULL, "shape", PS__STAGE_PHRASE, SHAPES),
    [PS__SYM_FLASH] = NAMES(NULL, "flash", PS__STAGE_PHRASE, SWITCH),
    [PS__SYM_TYPE] = {NULL, "type", PS__STAGE_PHRASE, PS__VALUE_TEXT, 0, 0, NULL},
    [PS__SYM_OF_CAMERA] = PLAIN(NULL, "camera", PS__STAGE_PHRASE),
    [PS__SYM_OF_LENS] = PLAIN(NULL, "lens", PS__STAGE_PHRASE),
    [PS__SYM_FOLDER] = PLAIN(NULL, "folder", PS__STAGE_PHRASE),
    [PS__SYM_NAME] = PLAIN(NULL, "name", PS__STAGE_PHRASE),
    [PS__SYM_RATING] = PLAIN(NULL, "rating", PS__STAGE_PHRASE),
    [PS__SYM_FAVOURITE] = PLAIN(NULL, "favourite", PS__STAGE_PHRASE),
    [PS__SYM_LARGER] = NAMES(NULL, "larger", PS__STAGE_PHRASE, SIZES),
    [PS__SYM_SMALLER] = NAMES(NULL, "smaller", PS__STAGE_PHRASE, SIZES),
    [PS__SYM_TAG] = PLAIN(NULL, "tag", PS__STAGE_PHRASE),
    [PS__SYM_TEXT] = PLAIN(NULL, "text", PS__STAGE_PHRASE),
    [PS__SYM_SORT] = NAMES(NULL, "sort", PS__STAGE_PHRASE, ORDERS),
};
