/*
** Some photos of the user's own, for measuring on.
*/
#ifndef PS_CLI_PHOTOS_H
#define PS_CLI_PHOTOS_H

#include <stddef.h>

typedef struct photo_list {
    char **paths; /* [count] owned, and its strings */
    size_t count, room;
} photo_list;

/* Of a file, the file; of a folder, at most `most` image files from all over it and what is below. 0 after complaining. */
int photos_of_folder(photo_list *out, const char *path, size_t most);
/* At most `most` photos of the library that the options name, from all over its years; none if there is no library. */
struct options;
void photos_of_library(photo_list *out, const struct options *o, size_t most);
void clear_photos(photo_list *list);

#endif
