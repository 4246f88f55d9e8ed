/* Who has an affiliation with a node, or is subscribed to it: lines "affiliation s|p|- JID":
 * subscribed, pending, or not. */
#include "pep_settings.h"

static const char *const names[PEP_AFFILIATIONS] = {"none", "member", "publisher", "outcast"};

const char *pep_affiliation_name(enum pep_affiliation affiliation)
{
    return names[affiliation];
}

bool pep_affiliation_read(struct str name, enum pep_affiliation *affiliation)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_is(name, names[i])) {
            *affiliation = (enum pep_affiliation)i;
            return true;
        }
    return false;
}

bool pep_person_next(struct str *rest, struct pep_person *person)
{
    *person = (struct pep_person){0};
    if (!rest->len)
        return false;
    struct str line = str_cut(*rest, '\n', rest);
    pep_affiliation_read(str_cut(line, ' ', &line), &person->affiliation);
    struct str subscription = str_cut(line, ' ', &line);
    person->subscribed = str_is(subscription, "s");
    person->pending = str_is(subscription, "p");
    person->jid = line;
    return true;
}

struct pep_person pep_person_find(struct str people, struct str jid)
{
    struct pep_person person;
    while (pep_person_next(&people, &person))
        if (str_eq(person.jid, jid))
            return person;
    return (struct pep_person){.jid = jid};
}

bool pep_is_subscriber(struct str people, struct str bare)
{
    struct pep_person person;
    struct str resource;
    while (pep_person_next(&people, &person))
        if (person.subscribed && str_eq(str_cut(person.jid, '/', &resource), bare))
            return true;
    return false;
}

static void write_person(struct buf *out, const struct pep_person *person)
{
    const char *subscription = person->subscribed ? "s" : person->pending ? "p" : "-";
    if (person->affiliation != PEP_NONE || person->subscribed || person->pending)
        buf_format(out, "%s %s %.*s\n", names[person->affiliation], subscription,
                   STR_ARG(person->jid));
}

struct str pep_person_put(struct arena *arena, struct str people, const struct pep_person *person)
{
    struct buf lines = {0};
    struct pep_person one;
    size_t count = 1;
    for (; pep_person_next(&people, &one); count++)
        if (!str_eq(one.jid, person->jid))
            write_person(&lines, &one);
    write_person(&lines, person);
    struct str out = arena_str(arena, buf_str(&lines));
    buf_fini(&lines);
    return count <= LIMIT_PEP_PEOPLE ? out : (struct str){NULL, 0};
}
