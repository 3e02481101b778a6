/*
** A folder for the files of one fuzz program, below $TMPDIR; removed when the program ends. Its name is always the same, as what is
** compared with it gets into libFuzzer's mutations: a random one would make every run another. For the fuzz programs only.
*/
#ifndef PS_FUZZ_FOLDER_H
#define PS_FUZZ_FOLDER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char fuzz_folder[512]; /* path, made by fuzz_folder_make */

/* Removes all files in it. */
static inline void fuzz_folder_empty(void) {
    char path[800];
    DIR *dir = opendir(fuzz_folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", fuzz_folder, entry->d_name) < (int)sizeof path)
            unlink(path);
    if (dir) closedir(dir);
}

static inline void fuzz_folder_remove(void) {
    fuzz_folder_empty();
    rmdir(fuzz_folder);
}

static inline void fuzz_folder_make(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(fuzz_folder, sizeof fuzz_folder, "%.400s/photosearch-fuzz", tmp && *tmp ? tmp : "/tmp");
    if (mkdir(fuzz_folder, 0700) != 0 && errno != EEXIST) abort();
    fuzz_folder_empty();
    atexit(fuzz_folder_remove);
}

/* Writes a file without a sync. */
static inline void fuzz_write(const char *path, const void *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) abort();
    close(fd);
}

#endif
