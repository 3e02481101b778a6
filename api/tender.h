/*
** Keeps the search index of a library fresh while it is being indexed, on a thread of its own: other processes, which search
** meanwhile, would have to look at all that is new by themselves, each of them.
*/
#ifndef PS_API_TENDER_H
#define PS_API_TENDER_H

#include "api/handles.h"

typedef struct ps__tender ps__tender;

/* NULL when no thread could be started: then the index is tended at the end only. Both belong to the caller and outlive the tender. */
ps__tender *ps__tender_start(ps_library *library, ps_model *model);

/* Ends the thread, waiting for what it builds, and frees the tender; NULL is fine. finish: the index is made as good as it gets. */
void ps__tender_stop(ps__tender *tender, int finish);

#endif
