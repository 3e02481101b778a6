/*
** Builds the gazetteer's file: gazetteer CITIES500 ADMIN1_JSON CATALOGUES CLDR AREAS_TABLE OUTPUT. docs/gazetteer.md says where its
** sources come from.
*/
#include "tools/gazetteer/gazetteer.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    model m = {0};
    if (argc != 7) die("usage: gazetteer CITIES500 ADMIN1_JSON CATALOGUES CLDR AREAS_TABLE OUTPUT");
    read_simplification(argv[4]);
    read_cldr(&m, argv[4]);
    read_regions(&m, argv[2]);
    read_codes(&m, argv[5]);
    name_regions(&m, argv[4]);
    read_cities(&m, argv[1]);
    read_catalogues(&m, argv[3]);
    read_areas(&m, argv[5]);
    entry **old = need(malloc(m.count * sizeof *old)); /* areas name regions by their place in this order */
    memcpy(old, m.entries, m.count * sizeof *old);
    finish(&m, old);
    write_file(&m, old, argv[6]);
    return 0;
}
