/*
** Finding and opening the files of a published model; see source.h.
*/
#include "encoder/import/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

#define MAX_CONFIG ((size_t)4 << 20) /* bytes of a configuration; published ones have some kilobytes */

static char *joined(const char *folder, const char *name) {
    ps__buf path = PS__BUF_INIT;
    ps__buf_printf(&path, "%s/%s", folder, name);
    return ps__buf_detach(&path);
}

static int exists(const char *path) {
    struct stat st;
    return ps__os.stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* ---- Configurations ---- */

/* *out stays NULL where path is NULL. */
static int read_json(json_t **out, const char *path, ps__error *err) {
    uint8_t *bytes;
    size_t size;
    json_error_t why;
    *out = NULL;
    if (!path) return PS__OK;
    int status = ps__read_file(&bytes, &size, NULL, path, MAX_CONFIG, err);
    if (status) return status;
    *out = json_loadb((const char *)bytes, size, 0, &why);
    ps__free(bytes);
    if (json_is_object(*out)) return PS__OK;
    json_decref(*out);
    *out = NULL;
    return ps__fail(err, PS__MODEL, "%s: is not a JSON object: %s", path, why.text[0] ? why.text : "another value");
}

/* A configuration by what is in it, whatever its name: {"model_cfg"} or {"embed_dim"} are open_clip's. Takes json over. */
static int keep_config(ps__source *s, json_t *json, const char *path, ps__error *err) {
    int bare = json_object_get(json, "embed_dim") && json_object_get(json, "vision_cfg");
    json_t **to = bare || json_object_get(json, "model_cfg") ? &s->open_clip : &s->hf;
    char **name = to == &s->hf ? &s->hf_path : &s->open_clip_path;
    if (bare) {
        json_t *wrapped = json_object();
        if (!wrapped || json_object_set_new(wrapped, "model_cfg", json)) {
            json_decref(wrapped);
            return ps__fail_nomem(err);
        }
        json = wrapped;
    }
    if (*to) {
        json_decref(json);
        return PS__OK; /* one was named, or found, before */
    }
    *to = json;
    *name = ps__strdup(path);
    return *name ? PS__OK : ps__fail_nomem(err);
}

static int read_config(ps__source *s, const char *path, ps__error *err) {
    json_t *json;
    int status = read_json(&json, path, err);
    return status ? status : keep_config(s, json, path, err);
}

/* The configuration of that name in the folder, if it is there. */
static int find_config(ps__source *s, const char *name, ps__error *err) {
    char *path = joined(s->folder, name);
    if (!path) return ps__fail_nomem(err);
    int status = exists(path) ? read_config(s, path, err) : PS__OK;
    ps__free(path);
    return status;
}

/* preprocessor_config.json, or that part of processor_config.json. */
static int find_preprocessor(ps__source *s, const char *named, ps__error *err) {
    static const char *const names[] = {"preprocessor_config.json", "processor_config.json"};
    char *path = NULL;
    for (size_t i = 0; !named && i < 2; i++) {
        if (!(path = joined(s->folder, names[i]))) return ps__fail_nomem(err);
        if (exists(path)) break;
        ps__free(path);
        path = NULL;
    }
    if (named && !(path = ps__strdup(named))) return ps__fail_nomem(err);
    s->preprocessor_path = path;
    s->is_named = named != NULL;
    int status = read_json(&s->preprocessor, path, err);
    json_t *part = status ? NULL : json_object_get(s->preprocessor, "image_processor");
    if (!json_is_object(part)) return status;
    json_incref(part);
    json_decref(s->preprocessor);
    s->preprocessor = part;
    return PS__OK;
}

/* ---- Weights ---- */

static int has_ending(const char *name, const char *ending) {
    size_t length = strlen(name), size = strlen(ending);
    return length > size && strcmp(name + length - size, ending) == 0;
}

static int is_weights(const char *name) {
    static const char *const endings[] = {".safetensors", ".pt", ".pth", ".bin", ".ckpt"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (has_ending(name, endings[i])) return name[0] != '.';
    return 0;
}

/* The only file of the folder that looks like weights. */
static int find_only_weights(char **out, const char *folder, ps__error *err) {
    ps__buf names = PS__BUF_INIT;
    int count = 0, fd = ps__os.open(folder, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd >= 0 ? ps__os.fdopendir(fd) : NULL;
    *out = NULL;
    if (!dir) {
        int e = errno;
        if (fd >= 0) ps__os.close(fd);
        return ps__fail_errno(err, e, "%s", folder);
    }
    for (struct dirent *entry; (entry = ps__os.readdir(dir)) != NULL;) {
        if (!is_weights(entry->d_name)) continue;
        if (count++ == 0) *out = joined(folder, entry->d_name);
        if (count < 6) ps__buf_printf(&names, "%s%s", count > 1 ? ", " : "", entry->d_name);
    }
    ps__os.closedir(dir);
    int status = PS__OK;
    if (count == 0)
        status = ps__fail(err, PS__NOTFOUND, "%s: holds no weights (*.safetensors, *.pt, *.bin)", folder);
    else if (count > 1)
        status = ps__fail(err, PS__MODEL, "%s: holds several files of weights (%s); name the one to import", folder,
                          names.failed ? "..." : names.bytes);
    else if (!*out)
        status = ps__fail_nomem(err);
    ps__buf_free(&names);
    if (status) {
        ps__free(*out);
        *out = NULL;
    }
    return status;
}

static int find_weights(char **out, const char *folder, ps__error *err) {
    static const char *const usual[] = {"open_clip_model.safetensors", "model.safetensors", "model.safetensors.index.json",
                                        "open_clip_pytorch_model.bin", "pytorch_model.bin", "pytorch_model.bin.index.json"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (!(*out = joined(folder, usual[i]))) return ps__fail_nomem(err);
        if (exists(*out)) return PS__OK;
        ps__free(*out);
    }
    return find_only_weights(out, folder, err);
}

static int set_places(ps__source *s, char **weights, const char *path, ps__error *err) {
    struct stat st;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    *weights = NULL;
    if (!(s->path = ps__strndup(path, length))) return ps__fail_nomem(err);
    if (ps__os.stat(s->path, &st) != 0) return ps__fail_errno(err, errno, "%s", s->path);
    if (S_ISDIR(st.st_mode)) {
        s->folder = ps__strdup(s->path);
        return s->folder ? find_weights(weights, s->folder, err) : ps__fail_nomem(err);
    }
    const char *slash = strrchr(s->path, '/');
    s->folder = !slash ? ps__strdup(".") : ps__strndup(s->path, slash == s->path ? 1 : (size_t)(slash - s->path));
    *weights = ps__strdup(s->path);
    return s->folder && *weights ? PS__OK : ps__fail_nomem(err);
}

int ps__source_open(ps__source *out, const ps__source_files *files, ps__error *err) {
    char *weights;
    *out = (ps__source){0};
    int status = set_places(out, &weights, files->path, err);
    if (!status) status = ps__checkpoint_open(&out->checkpoint, weights, err);
    ps__free(weights);
    if (!status && files->config) status = read_config(out, files->config, err);
    if (!status) status = find_config(out, "open_clip_config.json", err);
    if (!status) status = find_config(out, "config.json", err); /* both may lie there, beside weights in either's names */
    if (!status) status = find_preprocessor(out, files->preprocess, err);
    if (!status && files->tokenizer && !(out->tokenizer_path = ps__strdup(files->tokenizer))) status = ps__fail_nomem(err);
    return status;
}

void ps__source_clear(ps__source *s) {
    ps__checkpoint_free(s->checkpoint);
    json_decref(s->hf);
    json_decref(s->open_clip);
    json_decref(s->preprocessor);
    ps__free(s->path);
    ps__free(s->folder);
    ps__free(s->hf_path);
    ps__free(s->open_clip_path);
    ps__free(s->preprocessor_path);
    ps__free(s->tokenizer_path);
    *s = (ps__source){0};
}
