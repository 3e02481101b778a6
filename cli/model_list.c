/*
** photosearch model list
*/
#include <string.h>

#include "cli/model.h"

static void print_json(const ps_package *p) {
    const struct {
        const char *key, *value;
    } texts[] = {{"name", p->name}, {"id", p->id}, {"space", p->space}, {"licence", p->licence}};
    putchar('{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        printf("\"%s\":", texts[i].key);
        json_text(texts[i].value);
        putchar(',');
    }
    printf("\"dim\":%d,\"bytes\":%llu,\"vectors\":%llu,\"usual\":%s,\"companion\":%s,\"own\":%s,\"next\":%s,", p->dim,
           (unsigned long long)p->bytes, (unsigned long long)p->vectors, p->usual ? "true" : "false", p->companion ? "true" : "false",
           p->own ? "true" : "false", p->next ? "true" : "false");
    if (p->path[0])
        json_path(p->path);
    else
        fputs("\"path\":null", stdout);
    puts("}");
}

/* What a person calls it. */
static const char *title(const ps_package *p) { return p->name ? p->name : p->usual ? "default" : "(removed)"; }

static void print_plain(const ps_package *p, int width) {
    int length = (int)strlen(title(p)) + (p->companion ? 2 : 0);
    printf("%c %s", p->own ? '*' : p->next ? '>' : ' ', p->companion ? "+ " : "");
    print_path(stdout, title(p));
    printf("%*s  ", width > length ? width - length : 0, "");
    if (!p->id) {
        fputs("cannot be used: `photosearch model info` tells why\n", stdout);
        return;
    }
    print_path(stdout, p->id);
    printf("  %d numbers", p->dim);
    if (p->bytes) printf("  %.1f MB", (double)p->bytes / 1e6);
    if (!p->companion) printf("  %llu vectors", (unsigned long long)p->vectors);
    if (p->licence) {
        fputs("  ", stdout);
        print_path(stdout, p->licence);
    }
    putchar('\n');
}

/* The library is asked if there is one; *out is NULL where not. 0 after complaining. */
static int open_if_there(ps_library **out, const options *o) {
    ps_library_options settings = PS_LIBRARY_OPTIONS_INIT;
    settings.flags = PS_OPEN_EXISTING;
    int status = ps_library_open(out, o->library, &settings);
    if (status == PS_OK || (status == PS_NOTFOUND && !o->library)) return 1;
    complain_status(NULL);
    return 0;
}

static void print_all(const options *o, const ps_packages *packages) {
    size_t count = ps_packages_count(packages);
    int width = 0;
    for (int pass = o->json; pass < 2; pass++) { /* measure, then print */
        for (size_t i = 0; i < count; i++) {
            ps_package p = PS_PACKAGE_INIT;
            if (ps_packages_get(&p, packages, i) != PS_OK) continue;
            int length = (int)strlen(title(&p)) + (p.companion ? 2 : 0);
            if (pass == 0 && length > width) width = length;
            if (pass == 1 && o->json) print_json(&p);
            if (pass == 1 && !o->json) print_plain(&p, width);
        }
    }
}

int list_models(options *o) {
    ps_library *library;
    ps_packages *packages;
    if (o->word_count > 1) return complain_usage("model list takes no names");
    if (!open_if_there(&library, o)) return EXIT_FAILED;
    int code = EXIT_FAILED;
    if (ps_packages_open(&packages, library) == PS_OK) {
        print_all(o, packages);
        code = ps_packages_count(packages) ? EXIT_FOUND : EXIT_NOTHING;
        ps_packages_free(packages);
    } else {
        complain_status(library);
    }
    ps_library_close(library);
    return code;
}
