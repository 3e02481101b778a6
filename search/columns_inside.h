/*
** What columns.c (following the store) and columns_file.c (the cache beside the library) share. Nobody else includes this.
*/
#ifndef PS_SEARCH_COLUMNS_INSIDE_H
#define PS_SEARCH_COLUMNS_INSIDE_H

#include "search/columns.h"

/* A table under construction: nobody else holds it, nor its last chunk. */
int ps__table_new(ps__table **out, ps__error *err);
/* One more chunk, empty. */
int ps__table_add_chunk(ps__table *table, ps__error *err);

#define PS__NAMES_MOST 4095 /* distinct cameras, or lenses; what comes after is unknown */
/* The number of a name, added where it is new; 0 when there is no room for it. -1: memory ran out. */
int ps__names_number(ps__name_list *list, const char *name, size_t most);

/* PS__NOTFOUND: there is no cache file, without a sentence. PS__CORRUPT: damaged, or of another library. */
int ps__columns_read(ps__table **out, const char *folder, const char *identity, ps__error *err);
int ps__columns_write(const ps__table *table, const char *folder, const char *identity, ps__error *err);

#endif
