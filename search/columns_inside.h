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
#define PS__FOLDERS_MOST ((size_t)1 << 24)
/* The number of a name, added where it is new; 0 when there is no room for it. -1: memory ran out. */
int64_t ps__names_number(ps__name_list *list, const char *name, size_t most);
/* The number of a name that is there; -1: it is not. */
int64_t ps__names_find(const ps__name_list *list, const char *name);

#define PS__LISTS 4
/* The lists in the order in which they are kept, and the most names in each. */
static inline ps__name_list *ps__names_list(ps__names *names, int which) {
    ps__name_list *const lists[PS__LISTS] = {&names->cameras, &names->lenses, &names->formats, &names->folders};
    return lists[which];
}
static inline size_t ps__names_most(int which) {
    static const size_t most[PS__LISTS] = {PS__NAMES_MOST, PS__NAMES_MOST, UINT8_MAX, PS__FOLDERS_MOST};
    return most[which];
}

/* PS__NOTFOUND: there is no cache file, without a sentence. PS__CORRUPT: damaged, or of another library. */
int ps__columns_read(ps__table **out, const char *folder, const char *identity, ps__error *err);
int ps__columns_write(const ps__table *table, const char *folder, const char *identity, ps__error *err);

#endif
