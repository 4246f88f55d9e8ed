#include "lite_search.h"

#include "buf.h"

#include <stdio.h>

/* Words go with their message, however that goes. */
static const char prepare_sql[] =
    "CREATE VIRTUAL TABLE IF NOT EXISTS message_words"
    " USING fts5(text, tokenize = 'unicode61 remove_diacritics 0');"
    "CREATE TRIGGER IF NOT EXISTS message_words_gone AFTER DELETE ON message"
    " BEGIN DELETE FROM message_words WHERE rowid = old.id; END;"
    "CREATE TRIGGER IF NOT EXISTS message_words_replaced AFTER UPDATE OF body ON message"
    " BEGIN DELETE FROM message_words WHERE rowid = old.id; END";

static const char add_sql[] = "INSERT INTO message_words (rowid, text) VALUES (?1, ?2)";

enum err lite_search_prepare(struct lite *lite, char *why, size_t room)
{
    enum err err = lite_exec(lite, prepare_sql);
    if (err)
        snprintf(why, room, "full text search cannot be prepared: %s", lite_error(lite));
    return err;
}

enum err lite_search_add(struct lite *lite, uint64_t id, struct str text)
{
    uint64_t added;
    if (!text.len)
        return ERR_OK;
    struct lite_statement *add = lite_start(lite, add_sql);
    if (!add)
        return ERR_DOWN;
    lite_number(add, 1, (int64_t)id);
    lite_text(add, 2, text);
    return lite_run(lite, add, &added);
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Each word in quotes, or its signs would mean something. */
struct str lite_search_query(struct arena *arena, struct str text)
{
    char *query = arena_take(arena, text.len * 4 + 4), *at = query;
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        if (is_space(text.at[i]) == inside) {
            *at++ = '"';
            inside = !inside;
        }
        if (text.at[i] == '"')
            *at++ = '"';
        *at++ = text.at[i];
    }
    if (inside)
        *at++ = '"';
    return (struct str){query, (size_t)(at - query)};
}
