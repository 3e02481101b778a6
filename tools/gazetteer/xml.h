/*
** The little XML that CLDR's files need: one element with its text on a line.
*/
#ifndef GAZETTEER_XML_H
#define GAZETTEER_XML_H

#include <stddef.h>

/* The text of the element that begins at `element`, kept; NULL when it does not end on the line, or says "as above". */
const char *xml_text(const char *element);
/* The value of an attribute of that element; 0 when it has none. */
int xml_attribute(char *value, size_t room, const char *element, const char *name);

#endif
