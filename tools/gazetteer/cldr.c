/*
** Unicode CLDR: the names of the countries in the languages (common/main/XX.xml) and their numbers of people (supplemental data). The
** files have one element a line, which is all the XML that is read here.
*/
#include "tools/gazetteer/gazetteer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/gazetteer/xml.h"

/* Codes that are no countries, or parts of ones that have codes of their own for other reasons. */
static int is_country(const char *code) {
    static const char *const others[] = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "DG", "EA", "IC", "TA"};
    if (strlen(code) != 2 || !isupper((unsigned char)code[0]) || !isupper((unsigned char)code[1])) return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(code, others[i]) == 0) return 0;
    return 1;
}

/* The text with one part of it replaced; NULL when that does not stand in it. */
static const char *with(const char *text, const char *part, const char *other) {
    char changed[512];
    const char *at = strstr(text, part);
    if (!at) return NULL;
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, other, at + strlen(part));
    return keep(changed, strlen(changed));
}

/* "Hong Kong SAR China", "Myanmar (Burma)" and "St. Kitts & Nevis" are not said that way, or not only. */
static void add_names(model *m, const entry *country, const char *text) {
    static const char *const ends[] = {" (", "（", " SAR"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = strstr(text, ends[i]);
        if (end && end > text) add_name(m, country, text, (size_t)(end - text));
    }
    add_name(m, country, text, strlen(text));
    const char *whole = with(text, "St. ", "Saint ");
    if (whole) add_name(m, country, whole, strlen(whole));
}

/* Names of one file; language -1: for finding only. */
static void read_names(model *m, const char *folder, const char *file, int language) {
    char path[4096], code[16], alt[16];
    snprintf(path, sizeof path, "%s/main/%s.xml", folder, file);
    char *at = read_text(path), *line;
    while ((line = next_line(&at)) != NULL) {
        const char *element = strstr(line, "<territory type=\"");
        if (!element) continue;
        const char *text = xml_text(element);
        if (!text || !xml_attribute(code, sizeof code, element, "type") || !is_country(code)) continue;
        entry *country = find_country(m, code);
        if (!country) {
            if (language != ENGLISH) continue;
            country = add_entry(m, PS__PLACE_COUNTRY, -(int64_t)(10000 + (code[0] - 'A') * 26 + (code[1] - 'A')));
            strcpy(country->country, code);
        }
        if (language == ENGLISH && strstr(text, " & ")) text = with(text, " & ", " and ");
        if (language >= 0 && !xml_attribute(alt, sizeof alt, element, "alt")) country->label[language] = text;
        add_names(m, country, text);
    }
}

static void read_people(model *m, const char *folder) {
    char path[4096], code[16], people[32];
    snprintf(path, sizeof path, "%s/supplemental/supplementalData.xml", folder);
    char *at = read_text(path), *line;
    while ((line = next_line(&at)) != NULL) {
        const char *element = strstr(line, "<territory type=\"");
        if (!element || !strstr(line, "gdp=") || !xml_attribute(code, sizeof code, element, "type")) continue;
        entry *country = find_country(m, code);
        if (country && xml_attribute(people, sizeof people, element, "population")) country->population = atoll(people);
    }
}

void read_cldr(model *m, const char *folder) {
    read_names(m, folder, "en", ENGLISH);
    for (int i = 0; i < PS__GZ_LANGUAGES; i++) read_names(m, folder, language_names[i], i);
    read_names(m, folder, "zh_Hant", -1);
    read_names(m, folder, "pt_PT", -1);
    read_people(m, folder);
}
