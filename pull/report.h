/*
** Results on standard output, plain or as JSON, one object a line.
*/
#ifndef PS_PULL_REPORT_H
#define PS_PULL_REPORT_H

#include "pull/folder.h"
#include "pull/options.h"
#include "pull/table.h"

/* All models, sorted as the tables have them; one that an earlier table has is told once. */
void pull_report_list(const pull_options *o, const pull_table *t);
/* What would be fetched. urls[i]: where from; expected[i]: "" unknown. */
void pull_report_plan(const pull_options *o, const pull_model *model, const pull_licence *l, char *const urls[],
                      const char *const expected[], const char *folder);
/* What came. already: 1 when it had been there. */
void pull_report_pulled(const pull_options *o, const pull_model *model, const pull_licence *l, const pull_came *came,
                        const char *folder, int already);

#endif
