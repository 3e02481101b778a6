/*
** Versions and status codes. The public codes, levels, flags and verdicts are those used inside; here the compiler checks it.
*/
#include "api/photosearch.h"
#include "base/log.h"
#include "base/status.h"
#include "encoder/encoder.h"
#include "indexer/indexer.h"
#include "search/query.h"
#include "search/rank.h"

#define SAME(public_name, inner_name) _Static_assert((int)(public_name) == (int)(inner_name), #public_name " is not " #inner_name)

SAME(PS_OK, PS__OK);
SAME(PS_ERROR, PS__ERROR);
SAME(PS_NOMEM, PS__NOMEM);
SAME(PS_INVALID, PS__INVALID);
SAME(PS_NOTFOUND, PS__NOTFOUND);
SAME(PS_IO, PS__IO);
SAME(PS_FULL, PS__FULL);
SAME(PS_ACCESS, PS__ACCESS);
SAME(PS_BUSY, PS__BUSY);
SAME(PS_FORMAT, PS__FORMAT);
SAME(PS_CORRUPT, PS__CORRUPT);
SAME(PS_TOOBIG, PS__TOOBIG);
SAME(PS_NEWER, PS__NEWER);
SAME(PS_MODEL, PS__MODEL);
SAME(PS_CANCELLED, PS__CANCELLED);

SAME(PS_LOG_ERROR, PS__LOG_ERROR);
SAME(PS_LOG_WARNING, PS__LOG_WARNING);
SAME(PS_LOG_INFO, PS__LOG_INFO);
SAME(PS_LOG_DEBUG, PS__LOG_DEBUG);

SAME(PS_INDEX_HIDDEN, PS__INDEX_HIDDEN);
SAME(PS_INDEX_FOLLOW_LINKS, PS__INDEX_FOLLOW_LINKS);
SAME(PS_INDEX_ALLOW_REMOVAL, PS__INDEX_ALLOW_REMOVAL);
SAME(PS_INDEX_RETRY, PS__INDEX_RETRY);
SAME(PS_PHASE_SCAN, PS__PHASE_SCAN);
SAME(PS_PHASE_ENCODE, PS__PHASE_ENCODE);
SAME(PS_PHASE_REMOVE, PS__PHASE_REMOVE);
SAME(PS_PHASE_DONE, PS__PHASE_DONE);

SAME(PS_SEARCH_LITERAL, PS__QUERY_LITERAL);
SAME(PS_VERDICT_NONE, PS__VERDICT_NONE);
SAME(PS_VERDICT_WEAK, PS__VERDICT_WEAK);
SAME(PS_VERDICT_GOOD, PS__VERDICT_GOOD);

SAME(PS_PRECISION_INT8, PS__PRECISION_INT8);
SAME(PS_PRECISION_FLOAT, PS__PRECISION_FLOAT);

const char *ps_version(void) { return PS_VERSION_STRING; }

const char *ps_status_text(int status) { return ps__status_text(status); }
