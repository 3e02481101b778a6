/*
** One package of a model; see tower.h.
*/
#include "encoder/tower.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void ps__tower_init(ps__tower *t, char *path) {
    *t = (ps__tower){.path = path};
    pthread_mutex_init(&t->lock, NULL);
}

void ps__tower_clear(ps__tower *t) {
    for (size_t i = 0; i < t->idle_count; i++) ps__session_free(t->idle[i]);
    ps__encoder_free(t->encoder);
    ps__package_free(t->package);
    ps__free(t->path);
    ps__free(t->languages);
    ps__free((void *)t->english.weight);
    ps__free(t->refused);
    pthread_mutex_destroy(&t->lock);
}

int ps__tower_open_main(ps__tower *t, const ps__encoder_options *options, ps__error *err) {
    int status = ps__encoder_open(&t->encoder, t->path, options, err);
    if (status) return status;
    t->looked = 1;
    return ps__languages_read(&t->languages, ps__encoder_package(t->encoder), err);
}

/* "clip-b16" beside "clip": it has all that a model has, and its vectors lie elsewhere. */
static int is_other_model(const ps__package *package, const ps__encoder_info *main) {
    const char *space = ps__package_meta(package, "space");
    return ps__package_meta(package, "image.family") && space && strcmp(space, main->space) != 0;
}

/* A companion may only add a way to read texts: vectors of photos come from one package. */
static int check_companion(const ps__tower *t, const ps__encoder_info *main, ps__error *err) {
    const char *space = ps__package_meta(t->package, "space"), *dim = ps__package_meta(t->package, "dim");
    char expected[16];
    if (is_other_model(t->package, main))
        return ps__fail(err, PS__MODEL, "%s: is a model of its own, not a companion of %s", t->path, main->name);
    if (!space || strcmp(space, main->space) != 0)
        return ps__fail(err, PS__MODEL, "%s: its vectors lie in the space %.80s, those of %s in %s", t->path,
                        space ? space : "(none)", main->name, main->space);
    snprintf(expected, sizeof expected, "%d", main->dim);
    if (!dim || strcmp(dim, expected) != 0)
        return ps__fail(err, PS__MODEL, "%s: its vectors have %.40s numbers, those of %s %d", t->path, dim ? dim : "no",
                        main->name, main->dim);
    if (ps__package_meta(t->package, "image.family"))
        return ps__fail(err, PS__MODEL, "%s: has an image tower, and beside %s only text towers are used", t->path, main->name);
    if (!ps__package_meta(t->package, "text.family")) return ps__fail(err, PS__MODEL, "%s: has no text tower", t->path);
    return PS__OK;
}

/* A copy, as another thread may be asking the classifier while the package turns out to be damaged. */
static int copy_classifier(ps__tower *t, ps__error *err) {
    ps__english in_package;
    int status = ps__english_read(&in_package, t->package, err);
    if (status || !in_package.weight) return status;
    int8_t *weight = ps__malloc((size_t)in_package.mask + 1);
    if (!weight) return ps__fail_nomem(err);
    memcpy(weight, in_package.weight, (size_t)in_package.mask + 1);
    t->english = in_package;
    t->english.weight = weight;
    return PS__OK;
}

static int look(ps__tower *t, const ps__encoder_info *main, ps__error *err) {
    int status = ps__package_open(&t->package, t->path, err);
    if (!status) t->is_other = is_other_model(t->package, main);
    if (!status) status = check_companion(t, main, err);
    if (!status) status = ps__languages_read(&t->languages, t->package, err);
    if (!status) status = copy_classifier(t, err);
    return status;
}

/* Keeps the reason; a lack of memory is none, as it says nothing of the package. */
static int refuse(ps__tower *t, int status, const ps__error *why, ps__error *err) {
    if (status != PS__NOMEM) t->refused = ps__strdup(why->text);
    return t->refused ? PS__OK : ps__fail_nomem(err);
}

int ps__tower_look(ps__tower *t, const ps__encoder_info *main, ps__error *err) {
    ps__error why = {0};
    if (t->looked) return PS__OK;
    int status = look(t, main, &why);
    if (status && (status = refuse(t, status, &why, err)) != PS__OK) {
        ps__package_free(t->package);
        ps__free(t->languages);
        t->package = NULL;
        t->languages = NULL;
        return status;
    }
    t->looked = 1;
    return PS__OK;
}

int ps__tower_ready(ps__tower *t, const ps__encoder_info *main, int precision, ps__error *err) {
    ps__error why = {0};
    const struct ps__plan *plan;
    const ps__encoder_options options = {precision, main->isa};
    int status = ps__tower_look(t, main, err);
    if (status || t->refused || t->encoder) return status;
    if (!t->package) { /* again after a lack of memory: the file may be another by now */
        status = ps__package_open(&t->package, t->path, &why);
        if (!status) status = check_companion(t, main, &why);
    }
    if (!status) {
        ps__package *package = t->package;
        t->package = NULL;
        status = ps__encoder_from(&t->encoder, package, &options, &why);
    }
    if (!status) status = ps__encoder_plan(&plan, t->encoder, 1, &why);
    if (!status) return PS__OK;
    ps__encoder_free(t->encoder);
    t->encoder = NULL;
    return refuse(t, status, &why, err);
}

ps__encoder *ps__tower_encoder(const ps__tower *t) { return t->encoder; }

const char *ps__tower_languages(const ps__tower *t) { return t->languages; }

int ps__tower_take_session(ps__session **out, ps__tower *t, ps__error *err) {
    *out = NULL;
    pthread_mutex_lock(&t->lock);
    if (t->idle_count) *out = t->idle[--t->idle_count];
    pthread_mutex_unlock(&t->lock);
    return *out ? PS__OK : ps__session_new(out, t->encoder, err);
}

void ps__tower_put_session(ps__tower *t, ps__session *session) {
    if (!session) return;
    pthread_mutex_lock(&t->lock);
    if (t->idle_count < PS__POOL_MOST) {
        t->idle[t->idle_count++] = session;
        session = NULL;
    }
    pthread_mutex_unlock(&t->lock);
    ps__session_free(session);
}
