#include "chart.h"

#include "store.h"

enum { ANY = 0 };

/* The first row whose stanza fits and whose flags are there (`has` one of them, `lacks` all)
 * counts. A row without `passes` keeps the stanza here. */
struct row {
    enum chart_side side;
    enum stanza_type type;
    unsigned has, lacks;
    unsigned set, clear;
    bool passes, approves;
};

static const struct row rows[] = {
    /* A.2.1: asking again is passed on again, with no change */
    {CHART_SENT, TYPE_SUBSCRIBE, ANY, ROSTER_TO, ROSTER_ASK | ROSTER_LISTED, 0, true, false},
    {CHART_SENT, TYPE_SUBSCRIBE, ANY, ANY, ROSTER_LISTED, 0, true, false},
    /* A.2.2 */
    {CHART_SENT, TYPE_UNSUBSCRIBE, ANY, ANY, 0, ROSTER_TO | ROSTER_ASK, true, false},
    /* A.2.3, and pre-approval (3.4) */
    {CHART_SENT, TYPE_SUBSCRIBED, ROSTER_ASKED, ANY, ROSTER_FROM | ROSTER_LISTED, ROSTER_ASKED,
     true, false},
    {CHART_SENT, TYPE_SUBSCRIBED, ANY, ROSTER_FROM, ROSTER_APPROVED | ROSTER_LISTED, 0, false,
     false},
    /* A.2.4 */
    {CHART_SENT, TYPE_UNSUBSCRIBED, ROSTER_ASKED | ROSTER_FROM, ANY, 0,
     ROSTER_ASKED | ROSTER_FROM | ROSTER_APPROVED, true, false},
    {CHART_SENT, TYPE_UNSUBSCRIBED, ROSTER_APPROVED, ANY, 0, ROSTER_APPROVED, false, false},
    /* A.3.1 */
    {CHART_RECEIVED, TYPE_SUBSCRIBE, ROSTER_FROM, ANY, 0, 0, false, true},
    {CHART_RECEIVED, TYPE_SUBSCRIBE, ROSTER_APPROVED, ANY, ROSTER_FROM,
     ROSTER_APPROVED | ROSTER_ASKED, false, true},
    {CHART_RECEIVED, TYPE_SUBSCRIBE, ANY, ROSTER_ASKED, ROSTER_ASKED, 0, true, false},
    /* A.3.2 */
    {CHART_RECEIVED, TYPE_UNSUBSCRIBE, ROSTER_FROM | ROSTER_ASKED, ANY, 0,
     ROSTER_FROM | ROSTER_ASKED, true, false},
    /* A.3.3 */
    {CHART_RECEIVED, TYPE_SUBSCRIBED, ROSTER_ASK, ANY, ROSTER_TO, ROSTER_ASK, true, false},
    /* A.3.4 */
    {CHART_RECEIVED, TYPE_UNSUBSCRIBED, ROSTER_TO | ROSTER_ASK, ANY, 0, ROSTER_TO | ROSTER_ASK,
     true, false},
};

bool chart_is_subscription(enum stanza_type type)
{
    return type == TYPE_SUBSCRIBE || type == TYPE_SUBSCRIBED || type == TYPE_UNSUBSCRIBE ||
           type == TYPE_UNSUBSCRIBED;
}

struct chart_step chart_step(enum chart_side side, enum stanza_type type, unsigned flags)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        bool fits = row->side == side && row->type == type && (flags & row->lacks) == 0 &&
                    (row->has == ANY || (flags & row->has));
        if (fits)
            return (struct chart_step){.flags = (flags & ~row->clear) | row->set,
                                       .passes = row->passes,
                                       .approves = row->approves};
    }
    return (struct chart_step){.flags = flags};
}
