#!/bin/sh
# Makes schema_pg.c and schema_sqlite.c of the numbered .sql files in the folders beside it, without
# comments and empty lines. Run it when a file is added; one that was released never changes.
set -eu
cd "$(dirname "$0")"

steps() {
    echo "static const struct schema_step $1_steps[] = {"
    for file in "$1"/[0-9][0-9][0-9]_*.sql; do
        base=$(basename "$file" .sql)
        version=$(echo "${base%%_*}" | sed 's/^0*//')
        printf '    {%s, "%s",\n' "$version" "$base"
        sed -e '/^ *--/d' -e '/^$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' \
            -e 's/^/     "/' -e 's/$/\\n"/' "$file"
        echo '    },'
    done
    echo '};'
    echo
    echo "const struct schema schema_$1 = {\"$1\", $1_steps, COUNT_OF($1_steps)};"
}

whole() {
    echo '/* Made by embed.sh of the .sql files beside it: change those. */'
    echo '#include "schema.h"'
    echo
    echo '#include "text.h"'
    echo
    echo '/* clang-format off */'
    steps "$1"
}

for dialect in pg sqlite; do
    whole $dialect > schema_$dialect.c
done
