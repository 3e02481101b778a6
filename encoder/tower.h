/*
** One package of a model with several text towers: what it says of itself, its encoder, and the sessions that nobody uses. Only
** towers.c reads the struct; others hold pointers to it (towers.h).
**
** A companion is opened in two steps. Looking maps the file and reads its header and, where there is one, the classifier's
** weights: that is enough to choose by. Its encoder is opened, and its tower laid out, when a text is to be read by it. What
** fails at either step is not used for the life of the handle, and `refused` says why.
*/
#ifndef PS_ENCODER_TOWER_H
#define PS_ENCODER_TOWER_H

#include <pthread.h>

#include "encoder/encoder.h"
#include "encoder/language.h"
#include "encoder/package/package.h"
#include "encoder/towers.h"

#define PS__POOL_MOST 64 /* idle sessions that are kept; more are freed */

struct ps__tower {
    char *path;           /* owned */
    ps__encoder *encoder; /* owned; of a companion NULL until a text is to be read by it */
    ps__package *package; /* owned; of a companion that was looked at, until its encoder takes it over */
    int looked;           /* 1: the next three are known */
    char *languages;      /* owned; "": no text tower */
    ps__english english;  /* its weights owned: they outlive a package that is refused later; NULL: none */
    int is_other;         /* 1: a model of its own, whose name only begins like the main one's; then refused is set too */
    char *refused;        /* owned; why a companion is not used; NULL: it may be */
    int told;             /* 1: the log was told so */

    pthread_mutex_t lock;             /* guards the two below; what is above is guarded by the lock of ps__towers */
    ps__session *idle[PS__POOL_MOST]; /* sessions nobody uses */
    size_t idle_count;
};

/* Takes a path over and cannot fail; free what it holds with ps__tower_clear. */
void ps__tower_init(ps__tower *tower, char *path);
void ps__tower_clear(ps__tower *tower);

/* Opens the main package. */
int ps__tower_open_main(ps__tower *tower, const ps__encoder_options *options, ps__error *err);

/* Looks at a companion of main; leaves `refused` where it cannot be one. PS__NOMEM only, and then nothing is decided. */
int ps__tower_look(ps__tower *tower, const ps__encoder_info *main, ps__error *err);

/* Looks, then opens the encoder and lays the text tower out, as above. */
int ps__tower_ready(ps__tower *tower, const ps__encoder_info *main, int precision, ps__error *err);

#endif
