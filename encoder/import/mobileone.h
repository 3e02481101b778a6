/*
** The modules that MobileCLIP's towers are made of, found by their names and described as folds: MobileOne blocks, RepMixer, large-kernel
** convolutions, squeeze-and-excitation. Each may be in the form it was trained in (branches with batch norms) or folded already, and named
** as the authors name it or as timm does; which, is seen by what is there.
*/
#ifndef PS_IMPORT_MOBILEONE_H
#define PS_IMPORT_MOBILEONE_H

#include "encoder/import/fold.h"
#include "encoder/import/mapper.h"

/* prefix and rest, one behind the other; empty where that is too long, and then no tensor has the name. */
void ps__module_name(char *out, size_t size, const char *prefix, const char *rest);

/* prefix: of the module's tensors, with its dot. Each makes *out a measured fold. PS__MODEL. */
int ps__take_mobileone(ps__fold *out, ps__mapper *mapper, const char *prefix);
int ps__take_repmixer(ps__fold *out, ps__mapper *mapper, const char *prefix);
int ps__take_large_kernel(ps__fold *out, ps__mapper *mapper, const char *prefix);
/* A convolution "PREFIXconv" and, where it is there, a batch norm "PREFIXbn" or "PREFIXnorm" after it. */
int ps__take_conv_norm(ps__fold *out, ps__mapper *mapper, const char *prefix);
/* A batch norm alone, of `channels`: "PREFIXweight"... */
int ps__take_norm(ps__fold *out, ps__mapper *mapper, const char *prefix, int64_t channels);
/* "PREFIXweight" and ".bias" (where there is one), times the layer scale `scale` (NULL: none). */
int ps__take_linear(ps__fold *out, ps__mapper *mapper, const char *prefix, const ps__weight *scale);

/* Layer scale: "PREFIX.gamma" or "PREFIX"; NULL where there is none. */
const ps__weight *ps__take_scale(ps__mapper *mapper, const char *prefix);

/* Squeeze-and-excitation under "PREFIXse." as layers TO.squeeze and TO.excite; *squeeze: hidden channels, 0 where there is none. */
int ps__map_squeeze(int *squeeze, ps__mapper *mapper, const char *prefix, const char *to, int64_t channels);

/* The depthwise convolution and the two layers of a feed-forward part ("PREFIXmlp." or "PREFIXconvffn.") over `channels` as TO.ffn, TO.fc1
** and TO.fc2, the layer scale in the last; *kernel: width of the filter, which is odd; *ffn: hidden channels. */
int ps__map_conv_ffn(int *kernel, int *ffn, ps__mapper *mapper, const char *prefix, const char *to, int64_t channels,
                     const ps__weight *scale);

#endif
