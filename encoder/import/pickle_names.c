/*
** The names that no checkpoint needs. Of Python's own functions only those are let through that make a value.
*/
#include "encoder/import/pickle_names.h"

#include <stddef.h>
#include <string.h>

static const char *const harmful_modules[] = {
    "os",      "posix",     "nt",       "subprocess", "_posixsubprocess", "pty",       "popen2",          "sys",     "shutil",  "socket",
    "ssl",     "urllib",    "urllib2",  "http",       "httplib",          "requests",  "ftplib",          "smtplib", "ctypes",  "cffi",
    "runpy",   "importlib", "imp",      "pkgutil",    "codeop",           "pdb",       "bdb",             "timeit",  "marshal", "cProfile",
    "pickle",  "_pickle",   "cPickle",  "shelve",     "dill",             "asyncio",   "multiprocessing", "pip",     "pydoc",   "venv",
    "webbrowser", "ensurepip", "idlelib", "cloudpickle", "tempfile",      "fileinput", "linecache",       "sqlite3", "telnetlib"};

static const char *const harmful_names[] = {"torch.load",     "torch.hub.load",         "torch.serialization.load", "types.FunctionType",
                                            "types.CodeType", "types.LambdaType",       "operator.methodcaller",    "io.open",
                                            "_io.open",       "code.interact",          "commands.getoutput",       "numpy.load",
                                            "numpy.fromfile", "torch.utils.cpp_extension.load"};

/* Of __builtin__ and builtins. getattr is how Python 3.11 writes members of an enum. */
static const char *const harmless_builtins[] = {"set",   "frozenset", "list",  "dict",    "tuple",  "int",      "float", "str",
                                                "bytes", "bytearray", "bool",  "complex", "object", "slice",    "range", "long",
                                                "unicode", "xrange",  "type",  "getattr", "property", "Ellipsis", "NotImplemented"};

static int is_one_of(const char *const *list, size_t count, const char *text, size_t length) {
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == length && memcmp(list[i], text, length) == 0) return 1;
    return 0;
}

#define IS_ONE_OF(list, text, length) is_one_of(list, sizeof(list) / sizeof *(list), text, length)

int ps__pickle_is_harmful(const char *name) {
    size_t length = strlen(name), module = strcspn(name, ".");
    if (IS_ONE_OF(harmful_names, name, length) || IS_ONE_OF(harmful_modules, name, module)) return 1;
    if (strncmp(name, "builtins.", 9) != 0 && strncmp(name, "__builtin__.", 12) != 0) return 0;
    return !IS_ONE_OF(harmless_builtins, name + module + 1, length - module - 1);
}
