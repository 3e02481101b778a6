/*
** ps_index: one run of the indexer.
*/
#include "api/last_error.h"
#include "api/work.h"

static int run(ps__indexer_result *result, ps_library *library, const char *const *paths, size_t count,
               const ps_index_options *options, ps__error *err) {
    ps__work work;
    int status = ps__work_begin(&work, library, paths, count, options->flags, options->threads, err);
    if (status != PS__OK) return status;
    work.progress = options->progress;
    work.payload = options->payload;
    status = ps__work_run(&work, result, &work.options, err);
    if (status == PS__OK && !work.named) status = ps__work_refill(&work, result, err);
    ps__work_end(&work);
    return status;
}

static int refill(ps__indexer_result *result, ps_library *library, const ps_index_options *options, ps__error *err) {
    static const char *const everywhere[] = {"/"};
    ps__work work;
    int status = ps__work_begin(&work, library, everywhere, 1, options->flags, options->threads, err);
    if (status != PS__OK) return status;
    work.everywhere = 1;
    work.progress = options->progress;
    work.payload = options->payload;
    status = ps__work_is_changing(&work) ? ps__work_refill(&work, result, err) : ps__work_read_waiting(&work, result, err);
    ps__work_end(&work);
    return status;
}

int ps_index(ps_index_result *result, ps_library *library, const char *const *paths, size_t count,
             const ps_index_options *options) {
    static const ps_index_options usual = PS_INDEX_OPTIONS_INIT;
    ps__indexer_result inner = {0};
    ps__error err = {0};
    if (!library || (result && (result->version < 1 || result->version > PS_INDEX_RESULT_VERSION)))
        return ps__refuse(library, PS_INVALID, "ps_index was given no library, or a result of an unknown version");
    if (!options) options = &usual;
    int status = options->version == PS_INDEX_OPTIONS_VERSION
                     ? ps__check_work(paths, count, options->threads, &err)
                     : ps__fail(&err, PS__INVALID, "ps_index_options has an unknown version");
    if (status == PS__OK) status = ps__library_enter(library, &err);
    if (status == PS__OK) {
        status = run(&inner, library, paths, count, options, &err);
        ps__library_leave(library);
    }
    if (result) ps__fill_result(result, &inner);
    return ps__remember(library, status, &err);
}

int ps_reencode(ps_index_result *result, ps_library *library, const ps_index_options *options) {
    static const ps_index_options usual = PS_INDEX_OPTIONS_INIT;
    ps__indexer_result inner = {0};
    ps__error err = {0};
    if (!library || (result && (result->version < 1 || result->version > PS_INDEX_RESULT_VERSION)))
        return ps__refuse(library, PS_INVALID, "ps_reencode was given no library, or a result of an unknown version");
    if (!options) options = &usual;
    int status = options->version == PS_INDEX_OPTIONS_VERSION && options->threads >= 0 && options->threads <= 256
                     ? ps__library_enter(library, &err)
                     : ps__fail(&err, PS__INVALID, "ps_index_options has an unknown version, or a wrong number of threads");
    if (status == PS__OK) {
        status = refill(&inner, library, options, &err);
        ps__library_leave(library);
    }
    if (result) ps__fill_result(result, &inner);
    return ps__remember(library, status, &err);
}

void ps_cancel(ps_library *library) {
    if (library) atomic_store(&library->cancel, 1);
}
