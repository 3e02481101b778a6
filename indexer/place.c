/*
** Photos that have a position but were never looked up in the gazetteer: those of a library from before there was one. A run
** places them at its start, as far as they are left, which an index tells at once.
*/
#include "indexer/run.h"

#include <stdio.h>

#include "base/alloc.h"

#define BATCH 4000 /* photos a transaction: some 50 ms */

static int place_one(ps__run *run, const ps__unplaced *photo, ps__error *err) {
    ps__place place = {0};
    if (ps__gazetteer_nearest(&place, run->options->gazetteer, photo->latitude, photo->longitude) != PS__OK)
        return ps__store_place(run->store, photo->id, 0, 0, "", err);
    return ps__store_place(run->store, photo->id, place.id, place.region, place.country, err);
}

static int place_batch(ps__run *run, const ps__unplaced *photos, size_t count, ps__error *err) {
    int status = ps__store_write(run->store, err);
    for (size_t i = 0; i < count && status == PS__OK; i++) status = place_one(run, &photos[i], err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    return status;
}

int ps__place_photos(ps__run *run, ps__error *err) {
    size_t count = BATCH;
    int status = PS__OK;
    if (!run->options->gazetteer) return PS__OK;
    ps__unplaced *photos = ps__array(BATCH, sizeof *photos);
    if (!photos) return ps__fail_nomem(err);
    while (status == PS__OK && count == BATCH) {
        status = ps__run_cancelled(run) ? PS__CANCELLED : ps__store_unplaced(photos, &count, BATCH, run->store, err);
        if (status == PS__OK && count) status = place_batch(run, photos, count, err);
    }
    ps__free(photos);
    return status;
}
