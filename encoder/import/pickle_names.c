/*
** The names that no checkpoint needs. Of Python's own functions only those are let through that make a value.
*/
#include "encoder/import/pickle_names.h"

#include <stddef.h>
#include <string.h>

/* Lists of words, with a space before and behind each. */
static const char harmful_modules[] =
    " os posix nt sys subprocess _posixsubprocess pty popen2 shutil tempfile fileinput linecache socket ssl urllib urllib2"
    " http httplib requests ftplib smtplib telnetlib ctypes cffi runpy importlib imp pkgutil codeop pdb bdb timeit cProfile"
    " webbrowser pickle _pickle cPickle marshal shelve dill cloudpickle asyncio multiprocessing pip ensurepip venv pydoc"
    " idlelib sqlite3 ";

static const char harmful_names[] =
    " torch.load torch.hub.load torch.serialization.load torch.utils.cpp_extension.load types.FunctionType types.CodeType"
    " types.LambdaType operator.methodcaller io.open _io.open code.interact commands.getoutput numpy.load numpy.fromfile ";

/* Of __builtin__ and builtins. getattr is how Python 3.11 writes members of an enum. */
static const char harmless_builtins[] =
    " set frozenset list dict tuple int long float complex bool str unicode bytes bytearray object"
    " slice range xrange type property getattr Ellipsis NotImplemented ";

static int has_word(const char *list, const char *word, size_t length) {
    for (const char *at = list + 1; *at; at += strcspn(at, " ") + 1)
        if (strncmp(at, word, length) == 0 && at[length] == ' ') return 1;
    return 0;
}

int ps__pickle_is_harmful(const char *name) {
    size_t length = strlen(name), module = strcspn(name, ".");
    if (has_word(harmful_names, name, length) || has_word(harmful_modules, name, module)) return 1;
    if (strncmp(name, "builtins.", 9) != 0 && strncmp(name, "__builtin__.", 12) != 0) return 0;
    return !has_word(harmless_builtins, name + module + 1, length - module - 1);
}
