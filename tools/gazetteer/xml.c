/*
** See xml.h.
*/
#include "tools/gazetteer/xml.h"

#include <stdio.h>
#include <string.h>

#include "tools/gazetteer/gazetteer.h"

const char *xml_text(const char *element) {
    char text[512];
    size_t used = 0;
    const char *at = strchr(element, '>');
    if (!at || at[-1] == '/') return NULL;
    for (at++; *at && *at != '<' && used < sizeof text - 1;) {
        if (strncmp(at, "&amp;", 5) == 0) {
            text[used++] = '&';
            at += 5;
        } else {
            text[used++] = *at++;
        }
    }
    if (*at != '<' || !used || (unsigned char)text[0] == 0xE2 /* arrows: inherited */) return NULL;
    return keep(text, used);
}

int xml_attribute(char *value, size_t room, const char *element, const char *name) {
    char wanted[32];
    const char *end = strchr(element, '>');
    snprintf(wanted, sizeof wanted, " %s=\"", name);
    const char *at = strstr(element, wanted);
    if (!end || !at || at > end) return 0;
    at += strlen(wanted);
    size_t length = strcspn(at, "\"");
    if (length >= room) return 0;
    memcpy(value, at, length);
    value[length] = 0;
    return 1;
}
