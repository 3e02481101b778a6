/*
** Moving outliers out of the way of INT8. A row of activations is quantised by its greatest magnitude, so a channel that is 20 times the
** others' size leaves them few levels, and trained transformers have such channels: they come from large gains of a layer norm. Column j of
** what a norm gives may be divided by any s[j] if column j of the layers that read it is multiplied by it: the product is the same
** (SmoothQuant, Xiao et al. 2023). With
**
**     s[j] = sqrt(size[j] / greatest |weight[.][j]|),    size[j] = greatest |output[.][j]|, or |bias[j]| + 3 |gain[j]|
**
** both sides keep half of the spread. size[j] is measured where that can be (calibrate.h). Else it is what a normalised row has at most in
** that channel, but for a few in a thousand, as the gains say it: that misses the channels which are large in the residual stream itself.
*/
#ifndef PS_IMPORT_SMOOTH_H
#define PS_IMPORT_SMOOTH_H

#include "encoder/import/calibrate.h"
#include "encoder/import/draft.h"

/* Sets the factors of every norm of a draft whose output is read by nothing but linear layers, by the names of families `vit`, `transformer`,
** `mct` and `fastvit`. sizes: measured on this draft without factors, or NULL. To be called once, when all is declared; it reads the weights.
** What fills return, or PS__NOMEM. */
int ps__smooth(ps__draft *draft, const ps__sizes *sizes, ps__error *err);

#endif
