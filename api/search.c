/*
** ps_search: a sentence, and its answer.
*/
#include "api/answer.h"
#include "api/last_error.h"

int ps_search(ps_results **out, ps_library *library, const char *text, const ps_search_options *options) {
    ps__error err = {0};
    ps__job job;
    if (!out || !library || !text)
        return ps__refuse(library, PS_INVALID, "ps_search was given no library, no text or no place for the results");
    *out = NULL;
    int status = ps__job_begin(&job, library, options, &err);
    if (status == PS__OK) status = ps__answer_sentence(&job, text, &err);
    if (status == PS__OK) ps__job_want_previews(&job);
    return ps__remember(library, ps__job_end(out, &job, status), &err);
}
