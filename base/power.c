/*
** The real power table: its state, its two halves put together, and the bounded reading of small files that both need.
*/
#include "base/power.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/power_inside.h"

/* ---- Small files -------------------------------------------------------------------------------------------------------- */

static int open_below(const ps__power_system *system, const char *path, int flags) {
    char whole[PATH_MAX];
    if (snprintf(whole, sizeof whole, "%s%s", system->root, path) >= (int)sizeof whole) return -1;
    return ps__os.open(whole, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
}

long ps__power_text(char *text, size_t size, const ps__power_system *system, const char *path) {
    size_t got = 0;
    int failed = 0, fd = open_below(system, path, 0);
    text[0] = 0;
    if (fd < 0) return -1;
    while (got < size - 1) {
        ssize_t n = ps__os.read(fd, text + got, size - 1 - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) failed = 1;
        if (n <= 0) break;
        got += (size_t)n;
    }
    ps__os.close(fd);
    text[failed ? 0 : got] = 0;
    return failed ? -1 : (long)got;
}

int ps__power_word(char word[PS__POWER_WORD], const ps__power_system *system, const char *folder, const char *name) {
    char path[PATH_MAX];
    word[0] = 0;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return 0;
    if (ps__power_text(word, PS__POWER_WORD, system, path) <= 0) return 0;
    char *p = word;
    for (; *p >= ' ' && *p <= '~'; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + ('a' - 'A'));
    *p = 0;
    return p > word;
}

int ps__power_number(int64_t *number, const ps__power_system *system, const char *folder, const char *name, int64_t low,
                     int64_t high) {
    char word[PS__POWER_WORD], *end;
    *number = 0;
    if (!ps__power_word(word, system, folder, name)) return 0;
    errno = 0;
    long long n = strtoll(word, &end, 10);
    if (errno || end == word || *end != 0 || n < low || n > high) return 0;
    *number = n;
    return 1;
}

void ps__power_each(ps__power_system *system, const char *folder,
                    void (*each)(ps__power_system *, const char *name, void *payload), void *payload) {
    int fd = open_below(system, folder, O_DIRECTORY);
    if (fd < 0) return;
    DIR *dir = ps__os.fdopendir(fd);
    if (!dir) {
        ps__os.close(fd);
        return;
    }
    struct dirent *entry;
    for (int i = 0; i < PS__POWER_ENTRIES && (entry = ps__os.readdir(dir)) != NULL; i++)
        if (entry->d_name[0] != '.') each(system, entry->d_name, payload);
    ps__os.closedir(dir);
}

/* ---- The table ---------------------------------------------------------------------------------------------------------- */

int ps__power_system_new(ps__power_system **out, const char *root, ps__error *err) {
    *out = NULL;
    if (!root) root = "";
    if (strlen(root) >= PS__POWER_ROOT) return ps__fail(err, PS__INVALID, "%.200s...: path too long", root);
    ps__power_system *system = ps__calloc(1, sizeof *system);
    if (!system) return ps__fail_nomem(err);
    strcpy(system->root, root);
    system->load = __builtin_nan("");
    system->input_ns = -1;
    atomic_init(&system->active_ns, -1);
    *out = system;
    return PS__OK;
}

void ps__power_system_free(ps__power_system *system) { ps__free(system); }

static void read_system(ps__power_reading *out, void *payload) {
    *out = (ps__power_reading)PS__POWER_UNKNOWN;
    ps__power_read_supplies(out, payload);
    ps__power_read_use(out, payload);
}

void ps__power_system_table(ps__power *out, ps__power_system *system) {
    *out = (ps__power){.read = read_system, .payload = system};
}

void ps__power_user_active(ps__power_system *system) { atomic_store(&system->active_ns, ps__os.monotonic_ns()); }
