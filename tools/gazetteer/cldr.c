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

/* "Hong Kong SAR China" and "Myanmar (Burma)" are not said that way. */
static void add_without_brackets(model *m, const entry *country, const char *text) {
    const char *open = strstr(text, " (");
    if (!open) open = strstr(text, "（");
    if (open && open > text) add_name(m, country, text, (size_t)(open - text));
    const char *sar = strstr(text, " SAR");
    if (sar) add_name(m, country, text, (size_t)(sar - text));
    add_name(m, country, text, strlen(text));
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
        if (language >= 0 && !xml_attribute(alt, sizeof alt, element, "alt")) country->label[language] = text;
        add_without_brackets(m, country, text);
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
