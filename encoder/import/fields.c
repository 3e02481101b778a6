/*
** Fields of configurations; see fields.h.
*/
#include "encoder/import/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ps__fields_refuse(const ps__fields *f, const char *field, const char *format, ...) {
    char reason[300];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return ps__fail(f->err, PS__MODEL, "%s: %s%s%.60s %s", f->path, f->name, f->name[0] ? "." : "", field, reason);
}

/* NULL: missing. */
static const json_t *value_of(const ps__fields *f, const char *field) {
    const json_t *value = json_object_get(f->json, field);
    return json_is_null(value) ? NULL : value;
}

int ps__fields_inner(ps__fields *out, const ps__fields *f, const char *name) {
    const json_t *value = value_of(f, name);
    *out = (ps__fields){value, f->path, name, f->err};
    return !value || json_is_object(value) ? PS__OK : ps__fields_refuse(f, name, "is not an object");
}

int ps__fields_int(int64_t *out, const ps__fields *f, const char *field, int64_t missing) {
    const json_t *value = value_of(f, field);
    *out = missing;
    if (!value) return missing >= 0 ? PS__OK : ps__fields_refuse(f, field, "is missing");
    *out = json_integer_value(value);
    if (json_is_integer(value) && *out >= 0 && *out <= INT32_MAX) return PS__OK;
    return ps__fields_refuse(f, field, "is not a whole number");
}

int ps__fields_real(double *out, const ps__fields *f, const char *field, double missing) {
    const json_t *value = value_of(f, field);
    *out = missing;
    if (!value) return missing >= 0 ? PS__OK : ps__fields_refuse(f, field, "is missing");
    *out = json_number_value(value);
    return json_is_number(value) ? PS__OK : ps__fields_refuse(f, field, "is not a number");
}

int ps__fields_flag(int *out, const ps__fields *f, const char *field, int missing) {
    const json_t *value = value_of(f, field);
    *out = value ? json_is_true(value) : missing;
    if (!value) return missing >= 0 ? PS__OK : ps__fields_refuse(f, field, "is missing");
    return json_is_boolean(value) ? PS__OK : ps__fields_refuse(f, field, "is neither true nor false");
}

int ps__fields_string(const char **out, const ps__fields *f, const char *field, const char *missing) {
    const json_t *value = value_of(f, field);
    *out = value ? json_string_value(value) : missing;
    if (*out) return PS__OK;
    return ps__fields_refuse(f, field, value ? "is not a string" : "is missing");
}

int ps__fields_agree(const ps__fields *f, const char *field, int64_t missing, int64_t tensors) {
    int64_t value;
    int status = ps__fields_int(&value, f, field, missing);
    if (status || value == tensors) return status;
    return ps__fields_refuse(f, field, "is %lld, but the tensors say %lld", (long long)value, (long long)tensors);
}

int ps__fields_square(int64_t *out, const ps__fields *f, const char *field, int64_t missing) {
    const json_t *value = value_of(f, field);
    *out = missing;
    if (!value) return missing >= 0 ? PS__OK : ps__fields_refuse(f, field, "is missing");
    if (json_is_array(value) && json_array_size(value) == 2 && json_equal(json_array_get(value, 0), json_array_get(value, 1)))
        value = json_array_get(value, 0);
    *out = json_is_integer(value) ? json_integer_value(value) : 0;
    return *out >= 1 && *out <= 4096 ? PS__OK : ps__fields_refuse(f, field, "is not the side of a square");
}

int ps__fields_only(const ps__fields *f, const char *const *known) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)f->json, name, value) {
        int found = json_is_null(value);
        for (size_t i = 0; known[i] && !found; i++) found = strcmp(known[i], name) == 0;
        if (!found) return ps__fields_refuse(f, name, "is not known");
    }
    return PS__OK;
}

int ps__fields_unset(const ps__fields *f, const char *const *names) {
    for (; *names; names++) {
        const json_t *value = value_of(f, *names);
        const char *text = json_string_value(value);
        if (!value || json_is_false(value) || (json_is_number(value) && json_number_value(value) == 0) || (text && !*text))
            continue;
        return ps__fields_refuse(f, *names, "is set, which is not supported");
    }
    return PS__OK;
}
