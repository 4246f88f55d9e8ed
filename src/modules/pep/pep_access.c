/* Who may read a node, and who may publish: XEP-0060 4.5, 6.5.9, 7.1.3. */
#include "pep.h"

static bool shares_a_line(struct str one, struct str other)
{
    while (one.len) {
        struct str line = str_cut(one, '\n', &one), rest = other;
        while (rest.len)
            if (str_eq(str_cut(rest, '\n', &rest), line))
                return true;
    }
    return false;
}

const struct pep_denial *pep_denied(const struct pep_settings *settings,
                                    const struct subscription *contact)
{
    static const struct pep_denial outcast = {STANZA_FORBIDDEN, NULL};
    static const struct pep_denial denials[] = {
        [PEP_PRESENCE] = {STANZA_NOT_AUTHORIZED, "presence-subscription-required"},
        [PEP_ROSTER] = {STANZA_NOT_AUTHORIZED, "not-in-roster-group"},
        [PEP_WHITELIST] = {STANZA_NOT_ALLOWED, "closed-node"},
        [PEP_AUTHORIZE] = {STANZA_NOT_AUTHORIZED, "not-subscribed"},
    };
    struct pep_person person = pep_person_find(settings->people, contact->contact);
    bool allowed = settings->access == PEP_OPEN;
    if (person.affiliation == PEP_OUTCAST)
        return &outcast;
    if (person.affiliation == PEP_MEMBER || person.affiliation == PEP_PUBLISHER)
        return NULL;
    if (settings->access == PEP_PRESENCE)
        allowed = contact->flags & ROSTER_FROM;
    else if (settings->access == PEP_ROSTER)
        allowed = shares_a_line(contact->groups, settings->groups);
    else if (settings->access == PEP_AUTHORIZE)
        allowed = pep_is_subscriber(settings->people, contact->contact);
    return allowed ? NULL : &denials[settings->access];
}

bool pep_may_read(struct acc *acc, const struct pep_request *request)
{
    const struct pep_denial *denial =
        request->own ? NULL : pep_denied(&request->node->settings, &request->asker);
    if (denial)
        pep_refuse(acc, denial->error, denial->condition);
    return !denial;
}

bool pep_may_publish(const struct pep_request *request)
{
    const struct pep_settings *settings = &request->node->settings;
    if (request->own)
        return true;
    if (settings->publish_model == PEP_ANYBODY)
        return !pep_denied(settings, &request->asker);
    return pep_person_find(settings->people, request->asker.contact).affiliation == PEP_PUBLISHER;
}
