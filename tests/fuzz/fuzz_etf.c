/* Terms as another server's database may hold them: what is written is XML, or the parser says so.
 */
#include "etf.h"
#include "parser.h"

#include <stdio.h>
#include <stdlib.h>

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Only prefixes and doubled declarations can be wrong with it. */
static void check_xml(struct parser *parser, struct arena *arena, struct str xml)
{
    struct element *element;
    DEMAND(xml.len > 0 && xml.at[0] == '<');
    enum err err = parser_element(parser, arena, xml, &element);
    DEMAND(err == ERR_OK || err == ERR_INVALID || err == ERR_TOO_BIG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct parser *parser;
    struct buf xml = {0};
    struct arena arena;
    if (!parser)
        parser = parser_new();
    arena_init(&arena);
    enum err err = etf_write_xml(&arena, (struct str){(const char *)data, size}, &xml);
    DEMAND(err ? buf_len(&xml) == 0 : etf_is_term((struct str){(const char *)data, size}));
    if (!err)
        check_xml(parser, &arena, buf_str(&xml));
    buf_fini(&xml);
    arena_fini(&arena);
    return 0;
}
