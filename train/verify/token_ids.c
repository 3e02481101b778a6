/*
** Token ids that a published tokenizer gives once it is imported: token_ids FOLDER ROWS LENGTH reads texts, a zero byte behind
** each, and prints a line of ids for each. What the importer makes of the files in FOLDER (for a word table of ROWS) is written
** as a package without towers and opened again, so that nothing is left out but the weights. For tokens.py.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/import/import.h"
#include "encoder/encoder.h"
#include "encoder/tokens/tokenizer.h"

static ps__error err;

static void need(int status) {
    if (!status) return;
    fprintf(stderr, "token_ids: %s\n", err.text);
    exit(1);
}

static json_t *read_json(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return json_load_file(path, 0, NULL);
}

/* Imports the tokenizer into a package at path; its text.config belongs to the caller. */
static json_t *import_into(const char *path, char *folder, int64_t rows) {
    ps__source source = {.path = folder, .folder = folder, .open_clip_path = folder};
    source.hf = read_json(folder, "config.json");
    source.open_clip = read_json(folder, "open_clip_config.json");
    ps__import import = {.source = &source, .draft = ps__draft_new(), .text_config = json_object()};
    if (!import.draft || !import.text_config) need(ps__fail_nomem(&err));
    need(ps__import_tokenizer(&import, rows, &err));
    char *config = json_dumps(import.text_config, 0);
    if (!config) need(ps__fail_nomem(&err));
    need(ps__draft_meta(import.draft, "text.config", config, &err));
    need(ps__draft_write(import.draft, path, PS__PRECISION_INT8, NULL, NULL, &err));
    free(config);
    ps__draft_free(import.draft);
    json_decref(source.hf);
    json_decref(source.open_clip);
    return import.text_config;
}

static void print_ids(const ps__tokenizer *tokenizer, int length) {
    char *text = NULL;
    size_t room = 0;
    ssize_t size;
    int count, *ids = calloc((size_t)length, sizeof *ids);
    if (!ids) need(ps__fail_nomem(&err));
    while ((size = getdelim(&text, &room, 0, stdin)) > 0) {
        if (!text[size - 1]) size--;
        need(ps__tokenizer_encode(ids, &count, tokenizer, text, (size_t)size, length, &err));
        for (int i = 0; i < count; i++) printf(i ? " %d" : "%d", ids[i]);
        putchar('\n');
    }
    free(text);
    free(ids);
}

int main(int argc, char **argv) {
    char path[4096];
    ps__package *package;
    ps__tokenizer *tokenizer;
    const char *tmp = getenv("TMPDIR");
    if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[3]) < 2) {
        fprintf(stderr, "usage: token_ids FOLDER ROWS LENGTH < texts\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/photosearch-ids-%ld.safetensors", tmp && *tmp ? tmp : "/tmp", (long)getpid());
    json_t *config = import_into(path, argv[1], atoi(argv[2]));
    need(ps__package_open(&package, path, &err));
    unlink(path);
    const ps__tokenizer_kind *kind = ps__tokenizer_find(json_string_value(json_object_get(config, "tokenizer")));
    need(kind->open(&tokenizer, package, !json_is_false(json_object_get(config, "lowercase")), &err));
    print_ids(tokenizer, atoi(argv[3]));
    ps__tokenizer_free(tokenizer);
    ps__package_free(package);
    json_decref(config);
    return 0;
}
