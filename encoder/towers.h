/*
** A model: the main package, with the image tower, and its companions, text-only packages of the same space for other
** languages. For main file X.safetensors every X-*.safetensors in the same folder is a companion, in the order of the names.
**
** Ownership: ps__towers owns every package, encoder and idle session; what its functions hand out belongs to it, but for
** sessions, which belong to the caller between take and put. A companion is looked at only when a text may be for it, and
** opened only when one is: a model that is only asked in English costs what the main package does. Companions that cannot be
** used (another space, not readable, an image tower) are left out with a warning to the log, once.
**
** Any thread may call anything, but ps__towers_free must be the last call.
*/
#ifndef PS_ENCODER_TOWERS_H
#define PS_ENCODER_TOWERS_H

#include "base/log.h"
#include "encoder/encoder.h"

typedef struct ps__towers ps__towers;
typedef struct ps__tower ps__tower; /* one package of it */

/* Opens the main package and notes which files lie beside it. options and log may be NULL; log must live as long as the towers.
** What fails is the main package: see ps__encoder_open. Free with ps__towers_free (NULL is fine). */
int ps__towers_open(ps__towers **out, const char *path, const ps__encoder_options *options, const ps__log *log, ps__error *err);
void ps__towers_free(ps__towers *towers);

/* The main package. */
ps__tower *ps__towers_main(ps__towers *towers);

/* *out: the package whose text tower is to read the text. lang, a tag such as "de" or "pt-BR": the first that names its
** language; PS__INVALID with the codes there are when none does. lang NULL: by the words, see language.h; without a companion
** it is the main package. The companion chosen is laid out. */
int ps__towers_choose(ps__tower **out, ps__towers *towers, const char *lang, const char *text, size_t length, ps__error *err);

/* What turns cosines of `query`, the float [dim] that the tower gave, into scores: by the tower's calibration and main's
** background. */
int ps__towers_scorer(ps__scorer *out, ps__towers *towers, const ps__tower *tower, const float *query, ps__error *err);

/* Number of files that may be companions, and the i-th of them: either *tower is laid out, or it is NULL and *refused the
** sentence that says why it is not used, or NULL too where the file is a model of its own, whose name only begins like this one's. */
size_t ps__towers_companions(const ps__towers *towers);
int ps__towers_companion(ps__tower **tower, const char **refused, ps__towers *towers, size_t i, ps__error *err);
/* Path of the i-th. */
const char *ps__towers_companion_path(const ps__towers *towers, size_t i);

/* The encoder of a tower that was handed out. */
ps__encoder *ps__tower_encoder(const ps__tower *tower);

/* Codes of the languages that its text tower reads, see language.h; "": it has none. */
const char *ps__tower_languages(const ps__tower *tower);

/* A session of its encoder for the calling thread alone, until it is put back. */
int ps__tower_take_session(ps__session **out, ps__tower *tower, ps__error *err);
void ps__tower_put_session(ps__tower *tower, ps__session *session);

#endif
