/*
** The folder of pulled files; see folder.h.
*/
#include "pull/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/utf8.h"
#include "pull/licence.h"

enum { TEXT_WIDTH = 900 /* characters of a licence on a line of the receipt */ };

char *pull_folder_join(const char *folder, const char *name) {
    ps__buf text = PS__BUF_INIT;
    ps__buf_printf(&text, "%s/%s", folder, name);
    return ps__buf_detach(&text);
}

/* A folder of photosearch's data. Relative XDG paths count for nothing, as that specification demands. */
static char *data_folder(const char *name) {
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    ps__buf text = PS__BUF_INIT;
    if (data && data[0] == '/')
        ps__buf_printf(&text, "%s/photosearch/%s", data, name);
    else
        ps__buf_printf(&text, "%s/.local/share/photosearch/%s", home && home[0] == '/' ? home : ".", name);
    return ps__buf_detach(&text);
}

static char *join_end(const char *folder, const char *name, const char *end) {
    ps__buf text = PS__BUF_INIT;
    ps__buf_printf(&text, "%s/%s%s", folder, name, end);
    return ps__buf_detach(&text);
}

int pull_folder_is_imported(const char *name) {
    struct stat st;
    char *folder = data_folder("models"), *path = folder ? join_end(folder, name, ".safetensors") : NULL;
    int there = path && ps__os.lstat(path, &st) == 0;
    ps__free(path);
    ps__free(folder);
    return there;
}

int pull_folder_name(pull_folder *f, const char *root, const char *model, ps__error *err) {
    *f = (pull_folder){.lock = -1};
    f->root = root ? ps__strdup(root) : data_folder("pulled");
    if (!f->root) return ps__fail_nomem(err);
    for (size_t n = strlen(f->root); n > 1 && f->root[n - 1] == '/'; n--) f->root[n - 1] = 0;
    f->part = join_end(f->root, model, ".part");
    f->whole = join_end(f->root, model, "");
    f->receipt = join_end(f->root, model, ".table");
    return f->part && f->whole && f->receipt ? PS__OK : ps__fail_nomem(err);
}

int pull_folder_open(pull_folder *f, ps__error *err) {
    int status = ps__make_folders(f->part, err);
    if (status != PS__OK) return status;
    f->lock = ps__os.open(f->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (f->lock < 0) return ps__fail_errno(err, errno, "%s", f->part);
    if (ps__os.flock(f->lock, LOCK_EX | LOCK_NB) == 0) return PS__OK;
    ps__os.close(f->lock); /* the folder is the other's, and stays */
    f->lock = -1;
    return ps__fail(err, PS__BUSY, "%s: another photosearch is pulling this model", f->part);
}

void pull_folder_close(pull_folder *f) {
    if (f->lock >= 0) {
        rmdir(f->part); /* when nothing came, nothing stays */
        ps__os.close(f->lock);
    }
    ps__free(f->root), ps__free(f->part), ps__free(f->whole), ps__free(f->receipt);
    *f = (pull_folder){.lock = -1};
}

int pull_folder_has_room(const pull_folder *f, int64_t bytes, ps__error *err) {
    struct statvfs room;
    if (bytes <= 0 || fstatvfs(f->lock, &room) != 0) return 1;
    if ((uint64_t)bytes <= (uint64_t)room.f_bavail * room.f_frsize) return 1;
    ps__fail(err, PS__FULL, "%s: %lld MB are to come, and there is room for %llu MB", f->root, (long long)(bytes / 1000000),
             (unsigned long long)room.f_bavail * room.f_frsize / 1000000);
    return 0;
}

/* ---- the receipt ---- */

static void write_licence_block(ps__buf *out, const pull_licence *l, const char *text) {
    ps__buf_printf(out, "licence-block %s\ntitle %s\n", l->name, l->title);
    if (l->page || l->fetch) ps__buf_printf(out, "page %s\n", l->page ? l->page : l->fetch);
    if (l->limits) ps__buf_printf(out, "terms %s\n", l->limits == PULL_RESEARCH_ONLY ? "research-only" : "non-commercial");
    for (size_t left = strlen(text), width = 0, n; left > 0; text += n, left -= n) {
        uint32_t code;
        n = ps__utf8_decode(&code, text, left); /* U+FFFD for what is no UTF-8: a table takes nothing else */
        if (width == 0) ps__buf_puts(out, "| ");
        int ends = code == '\n' || left == n || ++width == TEXT_WIDTH;
        if (code >= 0x20 && code != 0x7F) ps__utf8_append(out, code);
        if (ends) ps__buf_putc(out, '\n'), width = 0;
    }
}

static void write_seen(ps__buf *out, const char *key, const char *value) {
    if (value[0]) ps__buf_printf(out, "seen %s %s\n", key, value);
}

/* Addresses are those of the table, not of a mirror. */
static void write_file_block(ps__buf *out, const pull_file *file, const pull_came *came) {
    ps__buf_printf(out, "file %s\nurl %s\nsize %lld\nsha256 %s\n", file->name, file->url, (long long)came->got.bytes,
                   came->got.sha256);
    write_seen(out, "from", came->url);
    write_seen(out, "checksum", came->expected[0] ? "as expected" : "not known before");
    write_seen(out, "etag", came->got.seen.etag);
    write_seen(out, "x-linked-etag", came->got.seen.linked);
    write_seen(out, "last-modified", came->got.seen.modified);
}

static int write_receipt(const pull_folder *f, const pull_model *model, const pull_licence *l, const char *text,
                         const pull_came *came, ps__error *err) {
    ps__buf out = PS__BUF_INIT;
    ps__buf_puts(&out, "# What photosearch model pull brought.\n\n");
    write_licence_block(&out, l, text);
    ps__buf_printf(&out, "\nmodel %s\nlicence %s\n", model->name, l->name);
    if (model->note) ps__buf_printf(&out, "note %s\n", model->note);
    if (model->by_hand) ps__buf_puts(&out, "import by-hand\n");
    for (size_t i = 0; i < model->file_count; i++) write_file_block(&out, &model->files[i], &came[i]);
    int status = out.failed ? ps__fail_nomem(err) : ps__write_file(f->receipt, out.bytes, out.length, err);
    ps__buf_free(&out);
    return status;
}

/* ---- the final name ---- */

static void unlink_in(const char *folder, const char *name, const char *end) {
    char *path = join_end(folder, name, end);
    if (path) ps__os.unlink(path);
    ps__free(path);
}

static int write_licence(const pull_folder *f, const pull_licence *l, const char *text, ps__error *err) {
    ps__buf out = PS__BUF_INIT;
    char *path = pull_folder_join(f->part, "LICENSE");
    pull_licence_write(&out, l, text);
    int status = !path || out.failed ? ps__fail_nomem(err) : ps__write_file(path, out.bytes, out.length, err);
    ps__free(path);
    ps__buf_free(&out);
    return status;
}

static int sync_folder(const char *path, ps__error *err) {
    int fd = ps__os.open(path, O_RDONLY | O_DIRECTORY, 0);
    int status = fd < 0 || ps__os.fsync(fd) != 0 ? ps__fail_errno(err, errno, "%s", path) : PS__OK;
    if (fd >= 0) ps__os.close(fd);
    return status;
}

int pull_folder_finish(pull_folder *f, const pull_model *model, const pull_licence *licence, const char *text,
                       const pull_came *came, ps__error *err) {
    int status = write_licence(f, licence, text, err);
    if (status == PS__OK) status = write_receipt(f, model, licence, text, came, err);
    if (status != PS__OK) return status;
    for (size_t i = 0; i < model->file_count; i++) unlink_in(f->part, model->files[i].name, ".state");
    unlink_in(f->part, ".licence", "");
    unlink_in(f->part, ".licence", ".state");
    if ((status = sync_folder(f->part, err)) != PS__OK) return status;
    if (ps__os.rename(f->part, f->whole) != 0) return ps__fail_errno(err, errno, "%s", f->whole);
    return sync_folder(f->root, err);
}

/* ---- what is there already ---- */

/* What the receipt says of a file, "" nothing. */
static const char *from_receipt(const pull_table *receipt, const char *model, const char *file) {
    const pull_model *m = pull_table_model(receipt, model);
    for (size_t i = 0; m && i < m->file_count; i++)
        if (strcmp(m->files[i].name, file) == 0) return m->files[i].sha256;
    return "";
}

static int check_file(const pull_folder *f, const pull_file *file, const char *right, pull_came *came, ps__error *err) {
    struct stat st;
    char *path = pull_folder_join(f->whole, file->name);
    int status = path ? PS__OK : ps__fail_nomem(err);
    if (path && ps__os.lstat(path, &st) != 0)
        status = ps__fail(err, PS__INVALID, "%s is there, but without %s; remove it to pull anew", f->whole, file->name);
    if (status == PS__OK) status = pull_sha256_file(came->got.sha256, path, err);
    if (status == PS__OK && strcmp(came->got.sha256, right) != 0)
        status = ps__fail(err, PS__INVALID, "%s is there, but its %s is not what is wanted; remove it to pull anew", f->whole,
                          file->name);
    came->got.bytes = came->got.resumed = status == PS__OK ? st.st_size : 0;
    ps__free(path);
    return status;
}

int pull_folder_check(const pull_folder *f, const pull_model *model, const char *const expected[], pull_came *came,
                      ps__error *err) {
    struct stat st;
    pull_table receipt = {0};
    int status = PS__OK;
    if (ps__os.lstat(f->whole, &st) != 0) return 0;
    pull_table_add_file(&receipt, f->receipt, NULL); /* without one, files of no known checksum are not right */
    for (size_t i = 0; i < model->file_count && status == PS__OK; i++) {
        const char *right = expected[i][0] ? expected[i] : from_receipt(&receipt, model->name, model->files[i].name);
        status = check_file(f, &model->files[i], right, &came[i], err);
    }
    pull_table_free(&receipt);
    return status == PS__OK ? 1 : status;
}

void pull_folder_remove(const pull_folder *f, const pull_model *model) {
    for (size_t i = 0; i < model->file_count; i++) unlink_in(f->whole, model->files[i].name, "");
    unlink_in(f->whole, "LICENSE", "");
    rmdir(f->whole);
}
