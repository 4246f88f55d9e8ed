/* What is prepared stays as it is when it is prepared again, and is made of its parts. */
#include "jid.h"
#include "limits.h"

#include <stdio.h>
#include <stdlib.h>

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

typedef enum err prep_fn(struct arena *, struct str, struct str *);

static void check_part(struct arena *arena, prep_fn *prep, struct str in)
{
    struct str once, twice;
    if (prep(arena, in, &once))
        return;
    DEMAND(once.len > 0 && once.len <= LIMIT_JID_PART && text_is_xml(once));
    DEMAND(prep(arena, once, &twice) == ERR_OK);
    DEMAND(str_eq(once, twice));
}

static void check_jid(struct arena *arena, struct str in)
{
    struct jid jid, again;
    if (jid_parse(arena, in, &jid))
        return;
    DEMAND(jid_parse(arena, jid.full, &again) == ERR_OK);
    DEMAND(str_eq(jid.full, again.full) && str_eq(jid.bare, again.bare));
    DEMAND(str_eq(jid.user, again.user) && str_eq(jid.domain, again.domain));
    DEMAND(str_eq(jid.resource, again.resource) && jid.bare_hash == again.bare_hash);
    DEMAND(jid.domain.len > 0);
    jid_make(arena, jid.user, jid.domain, jid.resource, &again);
    DEMAND(str_eq(jid.full, again.full));
    jid_keep(&again, &jid);
    DEMAND(str_eq(jid.full, again.full));
    jid_drop(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    struct arena arena;
    arena_init(&arena);
    check_jid(&arena, in);
    check_part(&arena, jid_prep_user, in);
    check_part(&arena, jid_prep_domain, in);
    check_part(&arena, jid_prep_resource, in);
    check_part(&arena, jid_saslprep, in);
    arena_fini(&arena);
    return 0;
}
