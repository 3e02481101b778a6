/*
** The list of naming schemes.
*/
#include <stddef.h>

#include "encoder/import/import.h"

extern const ps__mapping ps__mapping_fastvit_timm, ps__mapping_fastvit_own;       /* map_fastvit.c */
extern const ps__mapping ps__mapping_mobileclip_b_timm, ps__mapping_mobileclip_b; /* map_mobileclip_b.c */
extern const ps__mapping ps__mapping_mobileclip_text;                             /* map_mobileclip_text.c */
extern const ps__mapping ps__mapping_open_clip_vit, ps__mapping_open_clip_text, ps__mapping_timm_siglip;
extern const ps__mapping ps__mapping_transformers_vision, ps__mapping_transformers_text, ps__mapping_chinese_clip_text;
extern const ps__mapping ps__mapping_chinese_clip_own;

const ps__mapping *const ps__mappings[] = {&ps__mapping_fastvit_timm,
                                           &ps__mapping_fastvit_own,
                                           &ps__mapping_mobileclip_b_timm,
                                           &ps__mapping_mobileclip_b,
                                           &ps__mapping_open_clip_vit,
                                           &ps__mapping_timm_siglip,
                                           &ps__mapping_transformers_vision,
                                           &ps__mapping_mobileclip_text,
                                           &ps__mapping_open_clip_text,
                                           &ps__mapping_transformers_text,
                                           &ps__mapping_chinese_clip_text,
                                           &ps__mapping_chinese_clip_own,
                                           NULL};
