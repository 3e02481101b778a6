/*
** Licences; see licence.h.
*/
#include "pull/licence.h"

#include <string.h>
#include <unistd.h>

#include "pull/say.h"

void pull_licence_write(ps__buf *out, const pull_licence *l, const char *text) {
    const char *limits = pull_licence_limits(l);
    ps__buf_printf(out, limits[0] ? "%s (%s)\n\n" : "%s%s\n\n", l->title, limits);
    if (l->page || l->fetch) ps__buf_printf(out, "%s\n\n", l->page ? l->page : l->fetch);
    ps__buf_puts(out, text);
    if (out->length && out->bytes[out->length - 1] != '\n') ps__buf_putc(out, '\n');
}

/* Everything on standard error: standard output is for results. */
static int ask(const pull_model *model, const pull_licence *l, const char *text) {
    char line[16];
    fputs("\n", stderr);
    pull_print(stderr, text, 1);
    fprintf(stderr, "\nThe files of %s are given out under these terms: %s\n", model->name, l->title);
    if (l->limits) fprintf(stderr, "They are %s.\n", pull_licence_limits(l));
    fputs("Type \"yes\" to agree: ", stderr);
    fflush(stderr);
    if (!fgets(line, sizeof line, stdin)) line[0] = 0;
    line[strcspn(line, "\r\n")] = 0;
    if (strcmp(line, "yes") == 0) return -1;
    return pull_complain("the licence was not agreed to, and nothing was taken");
}

int pull_licence_agree(const pull_options *o, const pull_model *model, const pull_licence *l, const char *text) {
    if (l->limits) pull_note(0, "%s is %s (%s)", model->name, pull_licence_limits(l), l->title); /* also with --quiet */
    if (o->accepted && strcmp(o->accepted, l->name) == 0) return -1;
    if (o->accepted) return pull_complain_usage("%s is under the licence %s, not \"%.100s\"", model->name, l->name, o->accepted);
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) return ask(model, l, text);
    return pull_complain_usage(
        "%s is under the licence %s: read it with --show-licence, and agree to it with --accept-licence %s", model->name, l->name,
        l->name);
}
