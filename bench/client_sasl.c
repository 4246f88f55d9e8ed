#include "client_sasl.h"

#include "mem.h"

struct client_sasl {
    struct arena arena;
    const struct options *options;
    struct str username;
    struct scram_client scram;
    bool plain;
};

static const struct {
    const char *name;
    bool plain;
    enum digest digest;
} mechanisms[] = {
    {"PLAIN", true, DIGEST_SHA1},
    {"SCRAM-SHA-1", false, DIGEST_SHA1},
    {"SCRAM-SHA-256", false, DIGEST_SHA256},
    {"SCRAM-SHA-512", false, DIGEST_SHA512},
};

struct client_sasl *client_sasl_new(const struct options *options, unsigned number,
                                    struct scram_kept *kept)
{
    struct client_sasl *sasl = mem_zalloc(sizeof *sasl);
    arena_init(&sasl->arena);
    sasl->options = options;
    sasl->username = arena_format(&sasl->arena, "%s%u", options->prefix, number);
    sasl->scram = (struct scram_client){.arena = &sasl->arena,
                                        .username = sasl->username,
                                        .password = str_of(options->password),
                                        .kept = kept,
                                        .gs2_header = STR("n,,")};
    return sasl;
}

void client_sasl_free(struct client_sasl **sasl)
{
    if (!*sasl)
        return;
    arena_fini(&(*sasl)->arena);
    mem_free(*sasl);
    *sasl = NULL;
}

bool client_sasl_is_offered(const struct element *features, const char *mechanism)
{
    const struct element *list = element_child(features, NS_SASL, "mechanisms");
    struct arena arena;
    bool found = false;
    arena_init(&arena);
    for (struct element *one = list ? element_first(list) : NULL; one; one = element_next(one))
        found |= str_is(element_text(&arena, one), mechanism);
    arena_fini(&arena);
    return found;
}

/* The bytes in base64 between the tags. */
static void write_message(struct client_sasl *sasl, struct buf *out, const char *open,
                          struct str bytes, const char *close)
{
    char *text = arena_take(&sasl->arena, BASE64_LEN(bytes.len) + 1);
    size_t len = base64_encode(bytes.at, bytes.len, text);
    buf_push_str(out, str_of(open));
    buf_push(out, text, len);
    buf_push_str(out, str_of(close));
}

static struct str plain_message(struct client_sasl *sasl)
{
    return arena_format(&sasl->arena, "%c%.*s%c%s", 0, STR_ARG(sasl->username), 0,
                        sasl->options->password);
}

enum err client_sasl_begin(struct client_sasl *sasl, struct buf *out)
{
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++) {
        if (strcmp(mechanisms[i].name, sasl->options->mechanism) != 0)
            continue;
        sasl->plain = mechanisms[i].plain;
        sasl->scram.digest = mechanisms[i].digest;
        struct str first = sasl->plain ? plain_message(sasl) : scram_client_first(&sasl->scram);
        struct str open = arena_format(
            &sasl->arena, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>",
            mechanisms[i].name);
        write_message(sasl, out, open.at, first, "</auth>");
        return ERR_OK;
    }
    return ERR_UNSUPPORTED;
}

static enum err read_message(struct client_sasl *sasl, const struct element *element,
                             struct str *out)
{
    struct str text = str_trim(element_text(&sasl->arena, element));
    uint8_t *bytes = arena_take(&sasl->arena, BASE64_MAX(text.len));
    size_t len = 0;
    enum err err = base64_decode(text, bytes, &len);
    *out = (struct str){(char *)bytes, len};
    return err;
}

enum err client_sasl_answer(struct client_sasl *sasl, const struct element *challenge,
                            struct buf *out)
{
    struct str message, answer;
    if (sasl->plain || read_message(sasl, challenge, &message) ||
        scram_client_final(&sasl->scram, message, &answer))
        return ERR_INVALID;
    write_message(sasl, out, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>", answer,
                  "</response>");
    return ERR_OK;
}

bool client_sasl_verify(struct client_sasl *sasl, const struct element *success)
{
    struct str message;
    if (sasl->plain)
        return true;
    return read_message(sasl, success, &message) == ERR_OK &&
           scram_client_verify(&sasl->scram, message);
}
