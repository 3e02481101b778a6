/*
** Asks a library a list of questions, prints the best answers, and writes them as one HTML page with the photos: what a first look at
** a gallery needs, in one file that uses nothing but photosearch.h.
**
**     contact_sheet LIBRARY QUERIES.txt OUT.html
**
** The page names the photos by file URLs, or by paths relative to the page where they lie below its folder, so that the folder can be
** moved.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "photosearch.h"

enum { PRINTED = 3, SHOWN = 6, LINE = 4096 };

static const char *const STYLE =
    "<style>\n"
    ":root{color-scheme:light "
    "dark;--ink:#1c1c1e;--soft:#6b6b70;--page:#f6f5f2;--card:#fff;--good:#2c7a4b;--weak:#9a6b15;--none:#8a8a90}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#ececf0;--soft:#9a9aa2;--page:#161618;--card:#222226;--good:#6cc690;--weak:#"
    "d9ab55}}\n"
    "body{margin:0 auto;max-width:75rem;padding:2rem 1.5rem 4rem;background:var(--page);color:var(--ink);font:16px/1.5 "
    "system-ui,sans-serif}\n"
    "h1{margin:0;font-size:1.6rem}header p{margin:.3rem 0 0;color:var(--soft)}\n"
    "section{margin-top:2.2rem}h2{margin:0 0 .7rem;font-size:1.15rem;font-weight:600}\n"
    ".how{margin:-.4rem 0 .6rem;color:var(--soft);font-size:.9rem}h2 span{margin-left:.6rem;font-size:.8rem;font-weight:400;color:var(--soft)}h2 .good{color:var(--good)}h2 "
    ".weak{color:var(--weak)}\n"
    "ol{display:grid;grid-template-columns:repeat(6,1fr);gap:.8rem;margin:0;padding:0;list-style:none}\n"
    "@media(max-width:50rem){ol{grid-template-columns:repeat(3,1fr)}}\n"
    "li{overflow:hidden;border-radius:8px;background:var(--card);box-shadow:0 1px 3px #0003}\n"
    "img{display:block;width:100%;aspect-ratio:1;object-fit:cover}\n"
    ".guess{opacity:.45}small{display:flex;justify-content:space-between;gap:.5rem;padding:.35rem "
    ".6rem;color:var(--soft);font-size:.75rem}\n"
    "small b{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-weight:400}\n"
    "</style>\n";

static void put_html(FILE *out, const char *s) {
    for (; *s; s++) {
        if (*s == '<')
            fputs("&lt;", out);
        else if (*s == '>')
            fputs("&gt;", out);
        else if (*s == '&')
            fputs("&amp;", out);
        else if (*s == '"')
            fputs("&quot;", out);
        else
            putc(*s, out);
    }
}

/* Any bytes but a few harmless ones as %XX, so that the path of any file becomes a valid URL. */
static void put_url(FILE *out, const char *path, const char *page_folder) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    size_t n = strlen(page_folder);
    if (n && strncmp(path, page_folder, n) == 0 && path[n] == '/')
        path += n + 1;
    else
        fputs("file://", out);
    for (; *path; path++) {
        if (strchr(plain, *path))
            putc(*path, out);
        else
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*path);
    }
}

static const char *verdict_word(int verdict) {
    if (verdict == PS_VERDICT_GOOD) return "good";
    return verdict == PS_VERDICT_WEAK ? "weak" : "none";
}

static const char *verdict_text(int verdict) {
    if (verdict == PS_VERDICT_GOOD) return "found";
    return verdict == PS_VERDICT_WEAK ? "perhaps" : "nothing matches; the nearest guesses";
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* How the sentence was read, where any of it became a condition: on the page and in the terminal. */
static void show_understood(FILE *page, const ps_understood *how) {
    if (!how->reading) return;
    printf("    (%s)\n", how->reading);
    fputs("<p class=how>", page);
    put_html(page, how->reading);
    fputs("</p>\n", page);
}

static void show(FILE *page, const char *page_folder, const char *query, const ps_results *results) {
    int verdict = ps_results_verdict(results);
    ps_understood how = PS_UNDERSTOOD_INIT;
    (void)ps_results_understood(&how, results);

    printf("%-38s %s\n", query, verdict_text(verdict));
    fputs("<section><h2>", page);
    put_html(page, query);
    fprintf(page, "<span class=%s>%s</span><span>%.1f ms</span></h2>\n", verdict_word(verdict), verdict_text(verdict), how.total_ms);
    show_understood(page, &how);
    fprintf(page, "<ol%s>\n", verdict == PS_VERDICT_NONE ? " class=guess" : "");
    for (size_t i = 0; i < ps_results_count(results) && i < SHOWN; i++) {
        const char *path = ps_results_path(results, i);
        double score = ps_results_score(results, i);
        if (i < PRINTED) printf("    %.2f  %s\n", score, file_name(path));
        ps_hit hit = PS_HIT_INIT;
        int guess = ps_results_hit(&hit, results, i) == PS_OK && verdict != PS_VERDICT_NONE && hit.verdict == PS_VERDICT_NONE;
        fprintf(page, "<li%s><a href=\"", guess ? " class=guess" : "");
        put_url(page, path, page_folder);
        fputs("\"><img loading=lazy alt=\"", page);
        put_html(page, file_name(path));
        fputs("\" src=\"", page);
        put_url(page, path, page_folder);
        fputs("\"></a><small><b>", page);
        put_html(page, file_name(path));
        fprintf(page, "</b><span>%.2f</span></small>", score);
        if (hit.place || (hit.taken && hit.taken_by && strcmp(hit.taken_by, "file") != 0)) {
            fprintf(page, "<small><b>%.10s ", hit.taken ? hit.taken : "");
            put_html(page, hit.place ? hit.place : "");
            fputs("</b></small>", page);
        }
        fputs("</li>\n", page);
    }
    fputs("</ol></section>\n", page);
}

/* One query a line. Returns 0, or 3 after an error was told. */
static int ask_all(FILE *page, const char *page_folder, ps_library *library, FILE *queries) {
    char line[LINE];
    while (fgets(line, sizeof line, queries)) {
        ps_search_options options = PS_SEARCH_OPTIONS_INIT;
        ps_results *results;
        line[strcspn(line, "\r\n")] = 0;
        if (!line[0]) continue;
        options.limit = SHOWN;
        if (ps_search(&results, library, line, &options) != PS_OK) {
            fprintf(stderr, "contact_sheet: %s: %s\n", line, ps_last_error(library));
            return 3;
        }
        show(page, page_folder, line, results);
        ps_results_free(results);
    }
    return 0;
}

static int write_page(const char *path, const char *queries_path, ps_library *library) {
    ps_status status = PS_STATUS_INIT;
    char *folder = realpath(path, NULL); /* the file exists by now */
    FILE *queries = fopen(queries_path, "r");
    FILE *page = fopen(path, "w");
    int rc = 3;

    if (!folder || !queries || !page) {
        perror("contact_sheet");
        goto out;
    }
    *strrchr(folder, '/') = 0;
    (void)ps_library_status(&status, library);
    fputs("<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n"
          "<title>photosearch: contact sheet</title>\n",
          page);
    fputs(STYLE, page);
    fprintf(
        page,
        "<header><h1>What photosearch finds</h1><p>%llu photographs, searched by what they show and by what cameras noted (file names play no part), by ",
        (unsigned long long)status.photos);
    put_html(page, status.model ? status.model : "?");
    fputs(". Best answer first; the number is how sure the model is, 0 to 1.</p></header>\n", page);
    rc = ask_all(page, folder, library, queries);
out:
    if (page && (ferror(page) | fclose(page)) != 0 && rc == 0) rc = 3;
    if (queries) fclose(queries);
    free(folder);
    return rc;
}

int main(int argc, char **argv) {
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    ps_library *library;
    FILE *page;
    int rc;

    if (argc != 4) {
        fputs("usage: contact_sheet LIBRARY QUERIES.txt OUT.html\n", stderr);
        return 2;
    }
    options.flags = PS_OPEN_EXISTING;
    if (ps_library_open(&library, argv[1], &options) != PS_OK) {
        fprintf(stderr, "contact_sheet: %s\n", ps_last_error(NULL));
        return 3;
    }
    page = fopen(argv[3], "w"); /* so that its folder can be named */
    if (page) fclose(page);
    rc = write_page(argv[3], argv[2], library);
    ps_library_close(library);
    return rc;
}
