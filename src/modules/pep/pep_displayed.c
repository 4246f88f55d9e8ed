/* Server assist of displayed synchronisation: XEP-0490, "Sending assisted displayed". */
#include "pep.h"

static bool is_whole(const struct element *displayed)
{
    const struct element *id = element_first(displayed);
    return id && element_is(id, NS_SID, "stanza-id") && element_attr(id, "id").len &&
           !element_next(id);
}

/* What the client's devices should know goes into the node, the rest to the contact. */
enum verdict pep_on_displayed(struct acc *acc, struct session *session)
{
    struct element *displayed = element_child(acc->element, NS_MDS, "displayed");
    if (!displayed)
        return HOOK_OK;
    element_drop(acc->element, displayed);
    if (!element_first(acc->element)) {
        effect_error(acc, STANZA_BAD_REQUEST, "the message would be empty without <displayed/>");
        return HOOK_STOP;
    }
    if (is_whole(displayed))
        pep_publish_for(acc->host, &session->jid, ns_uri(NS_MDS), acc->to.full, displayed);
    return HOOK_OK;
}
