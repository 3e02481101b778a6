/*
** An answer in the making: photos with their scores, from as many alternatives as a sentence has, in one order.
*/
#ifndef PS_API_RANKED_H
#define PS_API_RANKED_H

#include <stddef.h>
#include <stdint.h>

#include "api/cursor.h"
#include "base/status.h"
#include "search/query.h"

typedef struct ps__ranked {
    int64_t photo;
    float cosine;    /* to what was searched for; 0 where conditions alone chose it */
    double score;    /* 0..1 */
    int verdict;     /* PS_VERDICT_* */
    int has_taken;   /* 1: taken_s is meaningful; read when the order is that of time */
    int64_t taken_s; /* as in ps__photo */
} ps__ranked;

typedef struct ps__ranking {
    ps__ranked *list; /* [count] owned */
    size_t count, room;
} ps__ranking;

int ps__ranking_add(ps__ranking *ranking, const ps__ranked *one, ps__error *err);
void ps__ranking_clear(ps__ranking *ranking);

/* Of each photo only its best score stays; then the order is PS__ORDER_*: by score and photo, or by time (those without one last), score
** and photo. */
void ps__ranking_settle(ps__ranking *ranking, int order);

/* 1 when `one` comes after the place where the cursor's page ended, in the cursor's order. */
int ps__ranked_is_after(const ps__ranked *one, const ps__cursor *cursor);

#endif
