/*
** Who else uses the device: the processors' load without our own part in it, and how long ago somebody touched it.
*/
#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/power_inside.h"

#define INTERRUPTS_BYTES (1 << 20) /* of /proc/interrupts at most: one column a processor, one line a device */

/* ---- Load --------------------------------------------------------------------------------------------------------------- */

static int64_t tick_ns(void) {
    long hz = sysconf(_SC_CLK_TCK);
    return 1000000000 / (hz > 0 ? hz : 100);
}

static int64_t rusage_ns(int who) {
    struct rusage use;
    if (ps__os.getrusage(who, &use) != 0) return 0;
    return ((int64_t)use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000 +
           ((int64_t)use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000;
}

/* utime, stime and those of its own dead children: fields 14 to 17 of /proc/PID/stat, counted behind the name in brackets. */
static int64_t process_ticks(const ps__power_system *system, long pid) {
    char path[64], text[1024];
    unsigned long long a, b, c, d;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (ps__power_text(text, sizeof text, system, path) <= 0) return 0;
    const char *p = strrchr(text, ')');
    static const char fields[] = " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %19llu %19llu %19llu %19llu";
    if (!p || sscanf(p + 1, fields, &a, &b, &c, &d) != 4) return 0;
    const unsigned long long most = 1ULL << 50;
    return a > most || b > most || c > most || d > most ? 0 : (int64_t)(a + b + c + d);
}

/* Children that live, whose time is in no rusage until they are waited for: each of our threads lists its own. */
static void add_children(ps__power_system *system, const char *thread, void *payload) {
    int64_t *ticks = payload;
    char path[PATH_MAX], text[4096], *p = text, *end;
    snprintf(path, sizeof path, "/proc/self/task/%s/children", thread);
    if (ps__power_text(text, sizeof text, system, path) <= 0) return;
    for (int i = 0; i < 64; i++, p = end) {
        long pid = strtol(p, &end, 10);
        if (end == p || pid <= 0) return;
        *ticks += process_ticks(system, pid);
    }
}

static int64_t own_ns(ps__power_system *system) {
    int64_t ticks = 0;
    ps__power_each(system, "/proc/self/task", add_children, &ticks);
    if (ticks > INT64_MAX / 4 / tick_ns()) ticks = 0;
    return rusage_ns(RUSAGE_SELF) + rusage_ns(RUSAGE_CHILDREN) + ticks * tick_ns();
}

/* user nice system idle iowait irq softirq. What a host steals is nobody's time here; guests are within user. */
static int processor_ticks(int64_t *busy, int64_t *total, const ps__power_system *system) {
    char text[512];
    unsigned long long v[7] = {0};
    const unsigned long long most = 1ULL << 56;
    if (ps__power_text(text, sizeof text, system, "/proc/stat") <= 0) return 0;
    int n = sscanf(text, "cpu %19llu %19llu %19llu %19llu %19llu %19llu %19llu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]);
    if (n < 4) return 0;
    for (int i = 0; i < 7; i++)
        if (v[i] > most) return 0;
    *busy = (int64_t)(v[0] + v[1] + v[2] + v[5] + v[6]);
    *total = *busy + (int64_t)(v[3] + v[4]);
    return 1;
}

static double read_load(ps__power_system *system) {
    int64_t busy, total, own = own_ns(system);
    if (!processor_ticks(&busy, &total, system)) {
        system->has_counters = 0;
        return system->load = NAN;
    }
    int64_t busy_step = busy - system->busy_ticks, total_step = total - system->total_ticks, own_step = own - system->own_ns;
    int first = !system->has_counters;
    if (!first && total_step >= 0 && total_step < 10) return system->load; /* too short a time to say anything */
    system->has_counters = 1;
    system->busy_ticks = busy;
    system->total_ticks = total;
    system->own_ns = own;
    if (first || total_step < 0 || busy_step < 0) return system->load = NAN; /* a processor left, and took its counters along */
    double others = (double)busy_step - (double)(own_step > 0 ? own_step : 0) / (double)tick_ns();
    double load = others / (double)total_step;
    return system->load = load < 0 ? 0 : load > 1 ? 1 : load;
}

/* ---- Somebody's hands --------------------------------------------------------------------------------------------------- */

typedef struct terminals {
    const char *folder, *prefix; /* of the names that count: prefix and a number */
    int64_t now, last;           /* seconds since 1970; last -1: none */
} terminals;

/* A terminal's access time is when a program last got input from it. */
static void look_at_terminal(ps__power_system *system, const char *name, void *payload) {
    terminals *t = payload;
    size_t n = strlen(t->prefix);
    char path[PATH_MAX];
    struct stat st;
    if (strncmp(name, t->prefix, n) != 0 || !isdigit((unsigned char)name[n])) return;
    if (snprintf(path, sizeof path, "%s%s/%s", system->root, t->folder, name) >= (int)sizeof path) return;
    if (ps__os.lstat(path, &st) != 0 || st.st_atim.tv_sec > t->now) return; /* of before the clock was set back: says nothing */
    if (st.st_atim.tv_sec > t->last) t->last = st.st_atim.tv_sec;
}

static double terminals_idle(ps__power_system *system) {
    terminals t = {.folder = "/dev", .prefix = "tty", .now = ps__os.wall_seconds(), .last = -1};
    ps__power_each(system, t.folder, look_at_terminal, &t);
    t.folder = "/dev/pts";
    t.prefix = "";
    ps__power_each(system, t.folder, look_at_terminal, &t);
    return t.last < 0 ? -1 : (double)(t.now - t.last);
}

/* The sum over one line's processors, if its device is one that fingers move. */
static uint64_t input_interrupts(char *line) {
    static const char *const devices[] = {"i8042", "touch",  "i2c_hid",  "i2c-hid", "elan",
                                          "syna",  "goodix", "keyboard", "keypad",  NULL};
    uint64_t sum = 0;
    char *p = strchr(line, ':'), *end;
    if (!p) return 0;
    for (p++;; p = end) {
        unsigned long long n = strtoull(p, &end, 10);
        if (end == p || !isspace((unsigned char)*end)) break; /* "5-edge" is no count */
        sum += n;
    }
    for (char *c = p; *c; c++) *c = (char)tolower((unsigned char)*c);
    for (int i = 0; devices[i]; i++)
        if (strstr(p, devices[i])) return sum;
    return 0;
}

static double input_idle(ps__power_system *system) {
    int64_t now = ps__os.monotonic_ns();
    uint64_t sum = 0;
    char *text = ps__malloc(INTERRUPTS_BYTES), *rest = NULL;
    if (!text) return -1;
    if (ps__power_text(text, INTERRUPTS_BYTES, system, "/proc/interrupts") > 0) {
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) sum += input_interrupts(line);
        if (system->has_interrupts && sum != system->interrupts) system->input_ns = now;
        system->has_interrupts = 1;
        system->interrupts = sum;
    }
    ps__free(text);
    return system->input_ns < 0 ? -1 : (double)(now - system->input_ns) / 1e9;
}

static void sooner(double *idle, double other) {
    if (other >= 0 && (*idle < 0 || other < *idle)) *idle = other;
}

void ps__power_read_use(ps__power_reading *out, ps__power_system *system) {
    int64_t told = atomic_load(&system->active_ns), now = ps__os.monotonic_ns();
    out->load = read_load(system);
    sooner(&out->idle_seconds, terminals_idle(system));
    sooner(&out->idle_seconds, input_idle(system));
    if (told >= 0) sooner(&out->idle_seconds, now > told ? (double)(now - told) / 1e9 : 0);
}
