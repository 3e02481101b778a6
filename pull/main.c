/*
** photosearch-pull: the one program of this project that uses the network, and only when a person asks for it by `photosearch
** model pull`. Everything else, the library included, has no network code, and does not link libcurl; tests/e2e/test_offline.c
** holds it to that.
**
**     main.c      what is to be done, in order
**     options.c   the command line
**     table.c     tables of models (published.table comes with the program)
**     url.c       addresses: which may be asked, mirrors
**     licence.c   showing licences and agreeing to them
**     fetch.c     one file over HTTP, by libcurl; goes on where an earlier run broke off
**     part.c      what an earlier run left
**     sha256.c    checksums
**     folder.c    where files are put; the receipt
**     import.c    `photosearch model import` of what came
**     say.c, report.c, progress.c   notes, results, progress
**
** docs/pulling.md explains it to people.
*/
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "pull/fetch.h"
#include "pull/folder.h"
#include "pull/import.h"
#include "pull/licence.h"
#include "pull/options.h"
#include "pull/report.h"
#include "pull/say.h"
#include "pull/table.h"
#include "pull/url.h"

#define FILE_MOST ((int64_t)8 << 30) /* bytes of a file whose size is not known */
enum { LICENCE_MOST = 1 << 18, MODEL_NAME_MOST = 64 };

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
}

static void stop_on_signals(void) {
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
    }
}

typedef struct job { /* one pull */
    const pull_options *o;
    const pull_model *model;
    const pull_licence *licence;
    pull_network network;
    pull_folder folder;
    char *urls[PULL_FILES_MOST];           /* to be asked; owned */
    const char *expected[PULL_FILES_MOST]; /* SHA-256, "" not known */
    pull_came came[PULL_FILES_MOST];
    ps__buf licence_text;
} job;

static int complain(const ps__error *err) { return pull_complain("%s", err->text); }

/* ---- what is asked for ---- */

static int add_tables(pull_table *t, const pull_options *o) {
    ps__error err;
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int usable = config && config[0] == '/', status = PS__OK;
    if (o->table && pull_table_add_file(t, o->table, &err) != PS__OK) return complain(&err);
    char *own = usable ? pull_folder_join(config, "photosearch/models.table")
                       : pull_folder_join(home && home[0] == '/' ? home : ".", ".config/photosearch/models.table");
    if (own) status = pull_table_add_file(t, own, &err);
    ps__free(own);
    if (status != PS__OK && status != PS__NOTFOUND) return complain(&err);
    if (pull_table_add(t, pull_published_table, strlen(pull_published_table), "the built-in table", &err) != PS__OK)
        return complain(&err);
    return -1;
}

/* The mirror, and the address of each file with it. */
static int choose_addresses(job *j) {
    ps__error err;
    const pull_options *o = j->o;
    if (o->insecure_http) j->network.allow |= PULL_HTTP_ALL;
    unsigned own = j->network.allow; /* the table's own addresses get no more than this */
    if (o->from && pull_url_check(o->from, own | PULL_HTTP_LOOPBACK, &err) != PS__OK) return pull_complain_usage("%s", err.text);
    if (o->from && strchr(o->from, '?')) return pull_complain_usage("--from takes an address without a question mark");
    if (o->from && pull_url_is_loopback(o->from)) j->network.allow |= PULL_HTTP_LOOPBACK;
    for (size_t i = 0; i < j->model->file_count; i++) {
        const char *url = j->model->files[i].url;
        if (!o->from && pull_url_check(url, own, &err) != PS__OK) return complain(&err);
        if (pull_url_mirror(&j->urls[i], url, o->from, &err) != PS__OK) return complain(&err);
    }
    return -1;
}

static size_t count_without_sum(const pull_model *m) {
    size_t count = 0;
    for (size_t i = 0; i < m->file_count; i++) count += !m->files[i].sha256[0];
    return count;
}

/* Each --sha256 must be for one of the files. */
static int check_given_sums(const job *j) {
    const pull_options *o = j->o;
    for (int i = 0; i < o->sum_count; i++) {
        int known = 0;
        for (size_t k = 0; o->sums[i].file && k < j->model->file_count; k++)
            known |= strlen(j->model->files[k].name) == o->sums[i].file_length &&
                     strncmp(j->model->files[k].name, o->sums[i].file, o->sums[i].file_length) == 0;
        if (o->sums[i].file && !known)
            return pull_complain_usage("%s has no file %.*s", j->model->name, (int)o->sums[i].file_length, o->sums[i].file);
        if (!o->sums[i].file && count_without_sum(j->model) != 1)
            return pull_complain_usage("%s has %zu files without a checksum: say which by --sha256 FILE=HEX", j->model->name,
                                       count_without_sum(j->model));
    }
    return -1;
}

/* The checksums of the table, else of the command line. */
static int choose_sums(job *j) {
    const pull_options *o = j->o;
    int status = check_given_sums(j);
    for (size_t i = 0; status < 0 && i < j->model->file_count; i++) {
        const pull_file *f = &j->model->files[i];
        const char *given = pull_options_sum(o, f->name, !f->sha256[0] && count_without_sum(j->model) == 1);
        if (given && f->sha256[0] && strcmp(given, f->sha256) != 0)
            return pull_complain_usage("%s: the table has another SHA-256: %s", f->name, f->sha256);
        j->expected[i] = f->sha256[0] ? f->sha256 : given ? given : "";
    }
    return status;
}

static int demand_sums(const job *j) {
    for (size_t i = 0; i < j->model->file_count; i++)
        if (!j->expected[i][0] && !j->o->unverified)
            return pull_complain_usage(
                "no checksum of %s is known here: give it by --sha256 %s=HEX, or take what comes by --unverified",
                j->model->files[i].name, j->model->files[i].name);
    return -1;
}

/* ---- the licence ---- */

/* Into licence_text: of the table, or fetched into a file that is not of the model. */
static int get_licence(job *j) {
    ps__error err;
    const pull_licence *l = j->licence;
    char *url = NULL, *path = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    pull_got got;
    if (l->text.length) {
        ps__buf_append(&j->licence_text, l->text.bytes, l->text.length);
        return -1;
    }
    int status = j->o->from ? PS__OK : pull_url_check(l->fetch, j->network.allow & PULL_HTTP_ALL, &err);
    if (status == PS__OK) status = pull_url_mirror(&url, l->fetch, j->o->from, &err);
    if (status == PS__OK && !(path = pull_folder_join(j->folder.part, ".licence"))) status = ps__fail_nomem(&err);
    if (status == PS__OK) {
        pull_wish wish = {"the licence", url, path, -1, LICENCE_MOST, ""};
        status = pull_fetch(&got, &wish, &j->network, &err);
    }
    if (status == PS__OK) status = ps__read_file(&bytes, &size, NULL, path, LICENCE_MOST, &err);
    if (status == PS__OK && memchr(bytes, 0, size)) status = ps__fail(&err, PS__FORMAT, "%s: not a text", url);
    if (status == PS__OK) ps__buf_append(&j->licence_text, bytes, size);
    ps__free(bytes);
    ps__free(path);
    ps__free(url);
    return status == PS__OK ? -1 : complain(&err);
}

static int show_licence(job *j) {
    ps__buf text = PS__BUF_INIT;
    pull_licence_write(&text, j->licence, j->licence_text.bytes);
    pull_print(stdout, text.bytes, 1);
    ps__buf_free(&text);
    return PULL_EXIT_DONE;
}

/* ---- pulling ---- */

/* What is still to come, as far as it is known. */
static int64_t bytes_to_come(const job *j) {
    int64_t sum = 0;
    for (size_t i = 0; i < j->model->file_count; i++) {
        struct stat st;
        char *path = pull_folder_join(j->folder.part, j->model->files[i].name);
        ps__buf part = PS__BUF_INIT;
        ps__buf_printf(&part, "%s.part", path ? path : "");
        int there = (path && ps__os.lstat(path, &st) == 0) || ps__os.lstat(part.bytes, &st) == 0;
        if (j->model->files[i].size > 0) sum += j->model->files[i].size - (there ? st.st_size : 0);
        ps__buf_free(&part);
        ps__free(path);
    }
    return sum;
}

static int fetch_file(job *j, size_t i) {
    ps__error err;
    const pull_file *f = &j->model->files[i];
    char *path = pull_folder_join(j->folder.part, f->name);
    if (!path) return complain((ps__fail_nomem(&err), &err));
    pull_wish wish = {f->name, j->urls[i], path, f->size, f->size >= 0 ? f->size : FILE_MOST, j->expected[i]};
    int status = pull_fetch(&j->came[i].got, &wish, &j->network, &err);
    ps__free(path);
    if (status == PS__OK) {
        char size[PULL_TAG];
        snprintf(size, sizeof size, "%lld bytes%s", (long long)j->came[i].got.bytes, j->expected[i][0] ? ", verified" : "");
        pull_note(j->o->quiet, "%s: %s", f->name, size);
        return -1;
    }
    return complain(&err);
}

static int finish(job *j) {
    ps__error err;
    if (pull_folder_finish(&j->folder, j->model, j->licence, j->licence_text.bytes, j->came, &err) != PS__OK)
        return complain(&err);
    return -1;
}

static int pull_all(job *j) {
    ps__error err;
    int status = pull_licence_agree(j->o, j->model, j->licence, j->licence_text.bytes);
    if (status < 0 && !pull_folder_has_room(&j->folder, bytes_to_come(j), &err)) status = complain(&err);
    for (size_t i = 0; status < 0 && i < j->model->file_count; i++) status = fetch_file(j, i);
    return status < 0 ? finish(j) : status;
}

static int import(const job *j) {
    const char *name = j->o->name ? j->o->name : j->model->name;
    int status = pull_import(j->o, j->folder.whole, name);
    if (status != PULL_EXIT_DONE) {
        pull_complain("the files stay in %s; `photosearch model import %s --name %s` imports them", j->folder.whole,
                      j->folder.whole, name);
        return status;
    }
    if (!j->o->keep) pull_folder_remove(&j->folder, j->model);
    return status;
}

/* Everything that needs the folder. */
static int in_folder(job *j) {
    ps__error err;
    for (size_t i = 0; i < j->model->file_count; i++) j->came[i].url = j->urls[i], j->came[i].expected = j->expected[i];
    int there = j->o->what == PULL_WHAT_PULL ? pull_folder_check(&j->folder, j->model, j->expected, j->came, &err) : 0;
    if (there < 0) return complain(&err);
    if (there == 0) {
        if (pull_folder_open(&j->folder, &err) != PS__OK) return complain(&err);
        int status = get_licence(j);
        if (status < 0 && j->o->what == PULL_WHAT_LICENCE) status = show_licence(j);
        if (status < 0) status = pull_all(j);
        if (status >= 0) return status;
    }
    pull_report_pulled(j->o, j->model, j->licence, j->came, j->folder.whole, there);
    if (j->model->by_hand && !j->o->no_import)
        pull_note(
            j->o->quiet,
            "these files do not say everything that an import needs: photosearch model import %s --name NAME, with --config "
            "or --preprocess",
            j->folder.whole);
    return j->o->no_import || j->model->by_hand ? PULL_EXIT_DONE : import(j);
}

/* Before anything comes, which may be a gigabyte. */
static int check_name(const job *j) {
    const char *name = j->o->name ? j->o->name : j->model->name;
    if (j->o->what != PULL_WHAT_PULL || j->o->no_import || j->model->by_hand) return -1;
    if (!pull_name_is_safe(name) || strlen(name) > MODEL_NAME_MOST || strcmp(name, "default") == 0)
        return pull_complain_usage("\"%.80s\" cannot be the name of a model", name);
    if (j->o->replace || !pull_folder_is_imported(name)) return -1;
    return pull_complain("a model %s is imported already: --replace takes its place, --name gives another", name);
}

static int run_job(job *j) {
    ps__error err;
    int status = choose_addresses(j);
    if (status < 0) status = choose_sums(j);
    if (status < 0 && pull_folder_name(&j->folder, j->o->folder, j->model->name, &err) != PS__OK) status = complain(&err);
    if (status < 0 && j->o->what == PULL_WHAT_DRY_RUN) {
        pull_report_plan(j->o, j->model, j->licence, j->urls, j->expected, j->folder.whole);
        return PULL_EXIT_DONE;
    }
    if (status < 0 && j->o->what == PULL_WHAT_LICENCE && j->licence->text.length) {
        get_licence(j);
        return show_licence(j);
    }
    if (status < 0) status = check_name(j);
    if (status < 0 && j->o->what == PULL_WHAT_PULL) status = demand_sums(j);
    if (status >= 0) return status;
    if (pull_fetch_start(&err) != PS__OK) return complain(&err);
    signal(SIGPIPE, SIG_IGN); /* of connections; libcurl is asked to leave signals alone */
    status = in_folder(j);
    signal(SIGPIPE, SIG_DFL);
    pull_fetch_end();
    return status;
}

static int run(const pull_options *o, const pull_table *t) {
    if (o->what == PULL_WHAT_LIST) {
        pull_report_list(o, t);
        return PULL_EXIT_DONE;
    }
    const pull_model *model = pull_table_model(t, o->model);
    if (!model)
        return pull_complain("there is no model \"%.100s\"; `photosearch model pull --list` tells which there are", o->model);
    job *j = ps__calloc(1, sizeof *j);
    if (!j) return pull_complain("out of memory");
    *j = (job){
        .o = o, .model = model, .licence = pull_table_licence(t, model), .folder = {.lock = -1}, .licence_text = PS__BUF_INIT};
    j->network = (pull_network){0, o->tries, o->retry_wait, o->timeout, o->quiet, &stopped};
    int status = run_job(j);
    for (size_t i = 0; i < PULL_FILES_MOST; i++) ps__free(j->urls[i]);
    ps__buf_free(&j->licence_text);
    pull_folder_close(&j->folder);
    ps__free(j);
    return status;
}

int main(int argc, char **argv) {
    static pull_options o;
    pull_table t = {0};
    int status = pull_options_parse(&o, argc, argv);
    if (status < 0) {
        stop_on_signals();
        status = add_tables(&t, &o);
        if (status < 0) status = run(&o, &t);
        pull_table_free(&t);
    }
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status != PULL_EXIT_USAGE)
        status = pull_complain("the output could not be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
    return status;
}
