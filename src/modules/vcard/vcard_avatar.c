/*
 * Avatars: the photo of the vCard (XEP-0153) and the item of XEP-0084 are one and the same
 * (XEP-0398), and its hash goes out with each presence. The hash of a user who is online is in
 * memory; it is stored beside the card, so that nobody has to read that to log in.
 */
#include "vcard_avatar.h"

enum { HASH_LEN = 40 };

static const char *const node_data = "urn:xmpp:avatar:data";
static const char *const node_metadata = "urn:xmpp:avatar:metadata";

/* --- Photos --- */

/* Base64 may come in lines. */
static struct str without_space(struct arena *arena, struct str text)
{
    char *out = arena_take(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] > ' ')
            out[len++] = text.at[i];
    return (struct str){out, len};
}

/* The bytes that a base64 text stands for, .at NULL: it is none. */
static struct str decoded(struct arena *arena, struct str text)
{
    struct str tight = without_space(arena, text);
    uint8_t *bytes = arena_take(arena, BASE64_MAX(tight.len));
    size_t len = 0;
    if (!tight.len || base64_decode(tight, bytes, &len))
        return (struct str){NULL, 0};
    return (struct str){(const char *)bytes, len};
}

static void hash_of(struct str bytes, char out[HASH_LEN + 1])
{
    uint8_t hash[DIGEST_MAX_LEN];
    digest_hash(DIGEST_SHA1, bytes, hash);
    hex_encode(hash, digest_len(DIGEST_SHA1), out);
    out[HASH_LEN] = '\0';
}

static struct str photo_part(struct arena *arena, const struct element *card, const char *name)
{
    const struct element *photo = card ? element_child(card, NS_VCARD, "PHOTO") : NULL;
    const struct element *part = photo ? element_child(photo, NS_VCARD, name) : NULL;
    return part ? str_trim(element_text(arena, part)) : STR("");
}

struct str vcard_photo_hash(struct arena *arena, const struct element *card)
{
    char hash[HASH_LEN + 1];
    struct str bytes = decoded(arena, photo_part(arena, card, "BINVAL"));
    if (!bytes.len)
        return STR("");
    hash_of(bytes, hash);
    return arena_str(arena, str_of(hash));
}

/* --- The hash in memory --- */

static struct vcard_user *own_of(const struct jid *jid)
{
    struct user *user = users_find(jid);
    return user ? user_slot(user, &module_vcard) : NULL;
}

static bool is_hash(struct str text)
{
    uint8_t bytes[HASH_LEN / 2];
    return text.len == HASH_LEN && !hex_decode(text, bytes);
}

static void keep_hash(const struct jid *jid, struct str hash)
{
    struct vcard_user *own = own_of(jid);
    if (!own)
        return;
    own->known = true;
    text_copy(own->hash, sizeof own->hash, is_hash(hash) ? hash : STR(""));
}

/* --- In presence (XEP-0398 4): of all available presence that does not say that there is none ---
 */

static void inject(struct arena *arena, struct element *presence, const char *hash)
{
    struct element *x = element_child(presence, NS_VCARD_UPDATE, "x");
    struct element *photo = x ? element_child(x, NS_VCARD_UPDATE, "photo") : NULL;
    if (!hash[0] || (photo && !element_text(arena, photo).len))
        return;
    if (x)
        element_drop(presence, x);
    x = element_add(arena, presence, NS_VCARD_UPDATE, "x");
    element_add_text(arena, element_add(arena, x, NS_VCARD_UPDATE, "photo"), str_of(hash));
}

static enum verdict go_on(struct acc *acc, struct session *session, bool known, struct str hash)
{
    struct vcard_user *own = user_slot(session->user, &module_vcard);
    if (!own->known && known)
        keep_hash(&session->jid, hash);
    inject(&acc->arena, acc->element, own->hash);
    return HOOK_OK;
}

static void on_hash_kept(struct store_op *op)
{
    if (op->outcome)
        LOG(LOG_WARNING, "photo_hash_not_written", LF("why", err_name(op->outcome)));
}

/* A card that came without its hash, from another server: it is stored for the next time. */
static enum verdict after_card(struct acc *acc, struct session *session)
{
    const struct store_op *op = acc->answer;
    struct element *card = vcard_of(acc, op);
    struct str hash = card ? vcard_photo_hash(&acc->arena, card) : STR("");
    if (card) {
        struct store_op *keep = vcard_op(acc->host, STORE_DOCUMENT_SET, &session->jid);
        vcard_op_add(keep, STR(VCARD_HASH), hash);
        keep->documents.max_bytes = INT32_MAX;
        keep->done = on_hash_kept;
        effect_store(acc, keep);
    }
    return go_on(acc, session, op->outcome == ERR_OK || op->outcome == ERR_NOT_FOUND, hash);
}

static enum verdict after_hash(struct acc *acc, struct session *session)
{
    const struct store_op *op = acc->answer;
    struct str hash = op->outcome ? STR("") : op->documents.items[0].body;
    if (hash.at)
        return go_on(acc, session, op->outcome == ERR_OK || op->outcome == ERR_NOT_FOUND, hash);
    return acc_park_store(acc, session, after_card, vcard_get_op(acc->host, &session->jid));
}

enum verdict vcard_on_presence(struct acc *acc, struct session *session)
{
    struct vcard_user *own = user_slot(session->user, &module_vcard);
    if (acc->type != TYPE_AVAILABLE)
        return HOOK_OK;
    if (own->known) {
        inject(&acc->arena, acc->element, own->hash);
        return HOOK_OK;
    }
    struct store_op *op = vcard_op(acc->host, STORE_DOCUMENT_GET, &session->jid);
    vcard_op_add(op, STR(VCARD_HASH), (struct str){NULL, 0});
    return acc_park_store(acc, session, after_hash, op);
}

/* What a session has said of itself is said again, with another hash. */
static void say_again(struct session *session, struct acc *acc, const char *hash)
{
    struct buf presence = {0}, said = {0};
    foreign_ask(session, &(struct foreign_event){.call = "get_presence", .answer = &presence});
    struct element *element = acc_parse(acc, buf_str(&presence));
    buf_fini(&presence);
    if (!element || stanza_type(element, STANZA_PRESENCE) != TYPE_AVAILABLE)
        return;
    struct element *x = element_child(element, NS_VCARD_UPDATE, "x");
    if (x && !hash[0])
        element_drop(element, x);
    inject(&acc->arena, element, hash);
    struct str text = element_xml(&acc->arena, element, NS_CLIENT);
    foreign_ask(session,
                &(struct foreign_event){.call = "set_presence", .argument = text, .answer = &said});
    buf_fini(&said);
}

void vcard_photo_changed(const struct jid *owner, struct str hash)
{
    struct vcard_user *own = own_of(owner);
    if (!own || (own->known && str_is(hash, own->hash)))
        return;
    keep_hash(owner, hash);
    struct session *session = NULL;
    while ((session = users_next_session(owner, session))) {
        struct acc *acc = acc_new();
        if (session->available)
            say_again(session, acc, own->hash);
        acc_free(acc);
    }
}

/* --- From the vCard to items (XEP-0398 3.2) --- */

static void publish(struct acc *acc, const char *node, struct str id, struct element *payload)
{
    struct pep_item item = {.node = str_of(node), .id = id, .payload = payload};
    acc->event_data = &item;
    hook_run(HOOK_pep_publish, acc, NULL);
}

void vcard_publish_photo(const struct acc *acc, const struct element *card, struct str hash)
{
    struct acc *own = acc_new();
    struct arena *arena = &own->arena;
    struct str text = without_space(arena, photo_part(arena, card, "BINVAL"));
    struct str type = photo_part(arena, card, "TYPE");
    struct element *data = element_new(arena, NS_AVATAR_DATA, "data");
    struct element *metadata = element_new(arena, NS_AVATAR_METADATA, "metadata");
    struct element *info = element_add(arena, metadata, NS_AVATAR_METADATA, "info");
    unsigned long long bytes = decoded(arena, text).len;
    own->host = acc->host;
    jid_make(arena, acc->from.user, acc->from.domain, STR(""), &own->from);
    own->to = own->from;
    element_add_text(arena, data, text);
    element_set(arena, info, "id", hash);
    element_set(arena, info, "bytes", arena_format(arena, "%llu", bytes));
    element_set(arena, info, "type", type.len ? type : STR("image/png"));
    publish(own, node_data, hash, data);
    publish(own, node_metadata, hash, metadata);
    acc_free(own);
}

/* --- From items to the vCard (3.1) --- */

/* Three operations, one after the other: the data, the card, and the card that comes of them. */
struct conversion {
    struct acc *acc; /* the owner is its `from` */
    struct str hash, type, base64;
};

static void give_up(struct conversion *conversion)
{
    acc_free(conversion->acc);
}

static void on_card_set(struct store_op *op)
{
    struct conversion *conversion = op->owner;
    if (op->outcome == ERR_OK)
        vcard_photo_changed(&conversion->acc->from, conversion->hash);
    give_up(conversion);
}

static void ask(struct conversion *conversion, struct store_op *op, store_fn *done)
{
    op->owner = conversion;
    op->done = done;
    store_ask(op, 0);
}

static void put_photo(struct arena *arena, struct element *card, const struct conversion *photo)
{
    for (struct element *old; (old = element_child(card, NS_VCARD, "PHOTO"));)
        element_drop(card, old);
    if (!photo->hash.len)
        return;
    struct element *out = element_add(arena, card, NS_VCARD, "PHOTO");
    element_add_text(arena, element_add(arena, out, NS_VCARD, "TYPE"), photo->type);
    element_add_text(arena, element_add(arena, out, NS_VCARD, "BINVAL"), photo->base64);
}

static void on_card(struct store_op *op)
{
    struct conversion *conversion = op->owner;
    struct acc *acc = conversion->acc;
    if (op->outcome) {
        give_up(conversion);
        return;
    }
    struct element *card = vcard_of(acc, op);
    if (!card)
        card = element_new(&acc->arena, NS_VCARD, "vCard");
    if (str_eq(vcard_photo_hash(&acc->arena, card), conversion->hash)) {
        give_up(conversion);
        return;
    }
    put_photo(&acc->arena, card, conversion);
    ask(conversion, vcard_set_op(acc->host, &acc->from, card, conversion->hash), on_card_set);
}

static void read_card(struct conversion *conversion)
{
    struct acc *acc = conversion->acc;
    ask(conversion, vcard_get_op(acc->host, &acc->from), on_card);
}

/* The hash must be that of the data, or anybody's picture could be had by its name. */
static void on_data(struct store_op *op)
{
    struct conversion *conversion = op->owner;
    struct acc *acc = conversion->acc;
    char hash[HASH_LEN + 1] = "";
    struct element *data =
        op->outcome == ERR_OK && op->pep.count ? acc_parse(acc, op->pep.items[0].body) : NULL;
    if (data)
        conversion->base64 = without_space(&acc->arena, element_text(&acc->arena, data));
    struct str bytes = decoded(&acc->arena, conversion->base64);
    if (bytes.len)
        hash_of(bytes, hash);
    if (str_is(conversion->hash, hash) && hash[0])
        read_card(conversion);
    else
        give_up(conversion);
}

static void read_data(struct conversion *conversion)
{
    struct acc *acc = conversion->acc;
    struct store_op *op = store_op_new(STORE_PEP_PICK, NULL, NULL);
    op->pep.user = arena_str(&op->arena, acc->from.user);
    op->pep.domain = arena_str(&op->arena, acc->from.domain);
    op->pep.node = str_of(node_data);
    op->pep.count = 1;
    op->pep.items = arena_zero(&op->arena, sizeof *op->pep.items);
    op->pep.items[0].name = arena_str(&op->arena, conversion->hash);
    ask(conversion, op, on_data);
}

/* The picture that is in the node itself, and not behind a link. */
static const struct element *own_info(const struct element *metadata)
{
    const struct element *info = element_first(metadata);
    while (info && (!element_is(info, NS_AVATAR_METADATA, "info") || element_attr(info, "url").at))
        info = element_next(info);
    return info;
}

static bool is_online_with(const struct acc *acc, struct str hash)
{
    const struct vcard_user *own = own_of(&acc->from);
    return own && own->known && str_is(hash, own->hash);
}

/* Of an open node only: what contacts alone may see does not become everybody's. Metadata without
 * a picture takes the photo away. */
enum verdict vcard_on_published(struct acc *acc, struct session *session)
{
    const struct pep_item *item = acc->event_data;
    (void)session;
    if (!str_is(item->node, node_metadata) || !item->open)
        return HOOK_OK;
    const struct element *info = own_info(item->payload);
    struct str hash = info ? element_attr(info, "id") : STR("");
    if ((hash.len && !is_hash(hash)) || is_online_with(acc, hash))
        return HOOK_OK;
    struct acc *own = acc_new();
    struct conversion *conversion = arena_zero(&own->arena, sizeof *conversion);
    own->host = acc->host;
    jid_make(&own->arena, acc->from.user, acc->from.domain, STR(""), &own->from);
    conversion->acc = own;
    conversion->hash = arena_str(&own->arena, hash);
    conversion->type = arena_str(&own->arena, info ? element_attr(info, "type") : STR(""));
    if (hash.len)
        read_data(conversion);
    else
        read_card(conversion);
    return HOOK_OK;
}
