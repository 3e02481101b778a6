#!/bin/sh
# Writes the C table of test suites: every tests/PART/test_NAME.c given defines `Suite *suite_NAME(void)`.
set -eu
names=
for file in "$@"; do
    base=${file##*/test_}
    names="$names ${base%.c}"
done
echo '/* Made by tools/list-suites.sh. */'
echo '#include "tests/suites.h"'
for name in $names; do echo "Suite *suite_$name(void);"; done
echo 'const ps__test_suite ps__test_suites[] = {'
for name in $names; do echo "    {\"$name\", suite_$name},"; done
echo '    {0, 0}};'
