/*
 * What a node is set to, and the people that have something to do with it: settings, affiliations,
 * subscriptions. All of it is one text in storage.
 */
#ifndef RT_PEP_SETTINGS_H
#define RT_PEP_SETTINGS_H

#include "module.h"
#include "store.h"

/* --- What a node is set to (pep_settings.c): XEP-0060 8.2, 16.4.4 --- */

enum pep_access { PEP_OPEN, PEP_PRESENCE, PEP_ROSTER, PEP_WHITELIST, PEP_AUTHORIZE };
enum pep_send_last { PEP_NEVER, PEP_ON_SUB, PEP_ON_SUB_AND_PRESENCE };
enum pep_publishers { PEP_PUBLISHERS, PEP_ANYBODY };
enum pep_affiliation { PEP_NONE, PEP_MEMBER, PEP_PUBLISHER, PEP_OUTCAST, PEP_AFFILIATIONS };

struct pep_settings {
    int access, send_last, publish_model, notification_type;
    bool persist, payloads, notifications, on_retract, on_delete, on_config;
    uint64_t max_items; /* UINT64_MAX: as many as there may be */
    struct str title, description, type;
    struct str groups; /* of the roster, one a line */
    struct str people; /* pep_person, one a line */
};

/* Of a node that nobody has set yet. */
struct pep_settings pep_settings_preset(struct str node);

/* The form in storage; views into the text. */
struct pep_settings pep_settings_parse(struct str text);
struct str pep_settings_text(struct arena *arena, const struct pep_settings *settings);

/* As a data form; `type`: form, result. */
struct element *pep_settings_form(struct acc *acc, const struct pep_settings *settings,
                                  const char *type);

/* Takes over what a form says. False: a value is none; unknown fields are passed over. */
bool pep_settings_submit(struct acc *acc, const struct element *form,
                         struct pep_settings *settings);

/* True when all fields of a form are as the settings are (7.1.5). */
bool pep_settings_match(struct acc *acc, const struct element *form,
                        const struct pep_settings *settings);

/* --- Affiliations and subscriptions (pep_people.c) --- */

struct pep_person {
    struct str jid;
    enum pep_affiliation affiliation;
    bool subscribed, pending; /* pending: the owner has not approved it yet */
};

/* Cuts the first one off *rest; false at the end. */
bool pep_person_next(struct str *rest, struct pep_person *person);

/* What a JID is; a zeroed one when it is not there. */
struct pep_person pep_person_find(struct str people, struct str jid);

/* True when a bare JID, or a resource of it, is subscribed. */
bool pep_is_subscriber(struct str people, struct str bare);

/* The people with one changed, added, or taken out; .at NULL: there is no room for one more. */
struct str pep_person_put(struct arena *arena, struct str people, const struct pep_person *person);

/* As XEP-0060 4.1 names them. */
const char *pep_affiliation_name(enum pep_affiliation affiliation);
bool pep_affiliation_read(struct str name, enum pep_affiliation *affiliation);

#endif
