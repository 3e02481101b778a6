/*
** Results; see report.h.
*/
#include "pull/report.h"

#include <stdio.h>
#include <string.h>

#include "pull/progress.h"
#include "pull/say.h"

/* Of all files; -1 when one is not known. */
static int64_t total_size(const pull_model *m) {
    int64_t sum = 0;
    for (size_t i = 0; i < m->file_count; i++) {
        if (m->files[i].size < 0) return -1;
        sum += m->files[i].size;
    }
    return sum;
}

static int all_have_sums(const pull_model *m) {
    for (size_t i = 0; i < m->file_count; i++)
        if (!m->files[i].sha256[0]) return 0;
    return 1;
}

static void end_line(ps__buf *line) {
    ps__buf_putc(line, '\n');
    fputs(line->bytes, stdout);
    ps__buf_free(line);
}

static void add_text(ps__buf *line, const char *key, const char *value) {
    ps__buf_printf(line, "\"%s\":", key);
    pull_json(line, value);
}

static void add_size(ps__buf *line, const char *key, int64_t size) {
    if (size < 0)
        ps__buf_printf(line, ",\"%s\":null", key);
    else
        ps__buf_printf(line, ",\"%s\":%lld", key, (long long)size);
}

static void add_licence(ps__buf *line, const pull_licence *l) {
    ps__buf_putc(line, ',');
    add_text(line, "licence", l->name);
    ps__buf_putc(line, ',');
    add_text(line, "licence_title", l->title);
    ps__buf_printf(line, ",\"research_only\":%s,\"non_commercial\":%s", l->limits == PULL_RESEARCH_ONLY ? "true" : "false",
                   l->limits ? "true" : "false");
}

static void list_json(const pull_model *m, const pull_licence *l) {
    ps__buf line = PS__BUF_INIT;
    ps__buf_putc(&line, '{');
    add_text(&line, "model", m->name);
    add_size(&line, "bytes", total_size(m));
    ps__buf_printf(&line, ",\"files\":%zu,\"checksums\":%s", m->file_count, all_have_sums(m) ? "true" : "false");
    add_licence(&line, l);
    ps__buf_putc(&line, ',');
    add_text(&line, "note", m->note);
    ps__buf_putc(&line, '}');
    end_line(&line);
}

static void list_plain(const pull_model *m, const pull_licence *l) {
    char size[32] = "-";
    if (total_size(m) >= 0) pull_format_bytes(size, total_size(m));
    static const char *const limits[] = {
        [PULL_ANY_USE] = "", [PULL_NON_COMMERCIAL] = ", not for commercial use", [PULL_RESEARCH_ONLY] = ", RESEARCH ONLY"};
    printf("%-26s %9s  %s%s%s\n", m->name, size, l->name, limits[l->limits],
           all_have_sums(m) ? "" : ", some checksums not known");
    if (!m->note) return;
    fputs("    ", stdout);
    pull_print(stdout, m->note, 0);
    putchar('\n');
}

void pull_report_list(const pull_options *o, const pull_table *t) {
    for (size_t i = 0; i < t->model_count; i++) {
        const pull_model *m = t->models[i];
        if (pull_table_model(t, m->name) != m) continue; /* another table's comes first */
        (o->json ? list_json : list_plain)(m, pull_table_licence(t, m));
    }
}

static void add_file(ps__buf *line, const char *name, const char *url, int64_t size, const char *sha256) {
    ps__buf_putc(line, '{');
    add_text(line, "name", name);
    ps__buf_putc(line, ',');
    add_text(line, "url", url);
    add_size(line, "bytes", size);
    ps__buf_putc(line, ',');
    add_text(line, "sha256", sha256[0] ? sha256 : NULL);
}

void pull_report_plan(const pull_options *o, const pull_model *m, const pull_licence *l, char *const urls[],
                      const char *const expected[], const char *folder) {
    ps__buf line = PS__BUF_INIT;
    if (o->json) {
        ps__buf_putc(&line, '{');
        add_text(&line, "model", m->name);
        add_licence(&line, l);
        ps__buf_putc(&line, ',');
        add_text(&line, "folder", folder);
        ps__buf_puts(&line, ",\"files\":[");
        for (size_t i = 0; i < m->file_count; i++) {
            if (i) ps__buf_putc(&line, ',');
            add_file(&line, m->files[i].name, urls[i], m->files[i].size, expected[i]);
            ps__buf_putc(&line, '}');
        }
        ps__buf_puts(&line, "]}");
        end_line(&line);
        return;
    }
    printf(l->limits ? "%s, under %s (%s), to " : "%s, under %s%s, to ", m->name, l->name, pull_licence_limits(l));
    pull_print(stdout, folder, 0);
    putchar('\n');
    for (size_t i = 0; i < m->file_count; i++) {
        char size[32] = "-";
        if (m->files[i].size >= 0) pull_format_bytes(size, m->files[i].size);
        printf("  %s  %s  %s\n    %s\n", m->files[i].name, size, expected[i][0] ? expected[i] : "no checksum", urls[i]);
    }
}

void pull_report_pulled(const pull_options *o, const pull_model *m, const pull_licence *l, const pull_came *came,
                        const char *folder, int already) {
    ps__buf line = PS__BUF_INIT;
    int64_t sum = 0;
    for (size_t i = 0; i < m->file_count; i++) sum += came[i].got.bytes;
    if (o->json) {
        ps__buf_putc(&line, '{');
        add_text(&line, "model", m->name);
        add_licence(&line, l);
        ps__buf_putc(&line, ',');
        add_text(&line, "folder", folder);
        ps__buf_printf(&line, ",\"already\":%s,\"bytes\":%lld,\"files\":[", already ? "true" : "false", (long long)sum);
        for (size_t i = 0; i < m->file_count; i++) {
            if (i) ps__buf_putc(&line, ',');
            add_file(&line, m->files[i].name, came[i].url, came[i].got.bytes, came[i].got.sha256);
            ps__buf_printf(&line, ",\"verified\":%s,\"resumed\":%lld}", came[i].expected[0] ? "true" : "false",
                           (long long)came[i].got.resumed);
        }
        ps__buf_puts(&line, "]}");
        end_line(&line);
        return;
    }
    char size[32];
    pull_format_bytes(size, sum);
    printf("%s: %zu file%s, %s, %s ", m->name, m->file_count, m->file_count == 1 ? "" : "s", size,
           already ? "already in" : "now in");
    pull_print(stdout, folder, 0);
    putchar('\n');
    for (size_t i = 0; i < m->file_count; i++)
        if (!came[i].expected[0]) printf("  not verified: %s  sha256 %s\n", m->files[i].name, came[i].got.sha256);
}
