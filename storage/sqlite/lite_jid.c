#include "lite_jid.h"

static const char jid_sql[] = "SELECT id FROM jid WHERE bare = ?1";
static const char jid_add_sql[] = "INSERT INTO jid (bare) VALUES (?1)";

enum err lite_find_jid(struct lite *lite, struct str bare, int64_t *id)
{
    struct lite_statement *find = lite_start(lite, jid_sql);
    if (find)
        lite_text(find, 1, bare);
    *id = 0;
    return lite_ask(lite, find, id);
}

enum err lite_need_jid(struct lite *lite, struct str bare, int64_t *id)
{
    enum err err = lite_find_jid(lite, bare, id);
    if (err != ERR_NOT_FOUND)
        return err;
    struct lite_statement *add = lite_start(lite, jid_add_sql);
    if (!add)
        return ERR_DOWN;
    uint64_t added;
    lite_text(add, 1, bare);
    err = lite_run(lite, add, &added);
    return err ? err : lite_find_jid(lite, bare, id);
}
