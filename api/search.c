/*
** ps_search: a sentence, and its answer.
*/
#include "api/answer.h"
#include "api/last_error.h"

static int answer(ps__job *job, const char *sentence, ps__error *err) {
    int status = ps__answer_sentence(job, sentence, err);
    if (status == PS__OK) ps__job_want_previews(job);
    return status;
}

int ps_search(ps_results **out, ps_library *library, const char *text, const ps_search_options *options) {
    ps__error err = {0};
    if (!out || !library || !text)
        return ps__refuse(library, PS_INVALID, "ps_search was given no library, no text or no place for the results");
    return ps__remember(library, ps__job_run(out, library, options, answer, text, &err), &err);
}
