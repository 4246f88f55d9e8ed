/* The roster: the chart of RFC 6121 appendix A whole, and what a stage shows better than a play. */
#include "stage.h"

#include <stdlib.h>

#include "roster/chart.h"
#include "store.h"

enum { TO = ROSTER_TO, FROM = ROSTER_FROM, OUT = ROSTER_ASK, IN = ROSTER_ASKED };

/* The nine states of A.1, by what they mean. */
static const struct {
    const char *name;
    unsigned flags;
} states[] = {
    {"None", 0},
    {"None + Pending Out", OUT},
    {"None + Pending In", IN},
    {"None + Pending Out+In", OUT | IN},
    {"To", TO},
    {"To + Pending In", TO | IN},
    {"From", FROM},
    {"From + Pending Out", FROM | OUT},
    {"Both", TO | FROM},
};

enum { STATES = 9, NO = -1 };

/* Each table of the appendix: for each state, does the stanza pass, and the state that follows. */
struct table {
    enum chart_side side;
    enum stanza_type type;
    struct {
        bool passes;
        unsigned after;
    } rows[STATES];
};

static const struct table tables[] = {
    /* A.2.1 */
    {CHART_SENT,
     TYPE_SUBSCRIBE,
     {{true, OUT},
      {true, OUT},
      {true, OUT | IN},
      {true, OUT | IN},
      {true, TO},
      {true, TO | IN},
      {true, FROM | OUT},
      {true, FROM | OUT},
      {true, TO | FROM}}},
    /* A.2.2 */
    {CHART_SENT,
     TYPE_UNSUBSCRIBE,
     {{true, 0},
      {true, 0},
      {true, IN},
      {true, IN},
      {true, 0},
      {true, IN},
      {true, FROM},
      {true, FROM},
      {true, FROM}}},
    /* A.2.3 */
    {CHART_SENT,
     TYPE_SUBSCRIBED,
     {{false, 0},
      {false, OUT},
      {true, FROM},
      {true, FROM | OUT},
      {false, TO},
      {true, TO | FROM},
      {false, FROM},
      {false, FROM | OUT},
      {false, TO | FROM}}},
    /* A.2.4 */
    {CHART_SENT,
     TYPE_UNSUBSCRIBED,
     {{false, 0},
      {false, OUT},
      {true, 0},
      {true, OUT},
      {false, TO},
      {true, TO},
      {true, 0},
      {true, OUT},
      {true, TO}}},
    /* A.3.1 */
    {CHART_RECEIVED,
     TYPE_SUBSCRIBE,
     {{true, IN},
      {true, OUT | IN},
      {false, IN},
      {false, OUT | IN},
      {true, TO | IN},
      {false, TO | IN},
      {false, FROM},
      {false, FROM | OUT},
      {false, TO | FROM}}},
    /* A.3.2 */
    {CHART_RECEIVED,
     TYPE_UNSUBSCRIBE,
     {{false, 0},
      {false, OUT},
      {true, 0},
      {true, OUT},
      {false, TO},
      {true, TO},
      {true, 0},
      {true, OUT},
      {true, TO}}},
    /* A.3.3 */
    {CHART_RECEIVED,
     TYPE_SUBSCRIBED,
     {{false, 0},
      {true, TO},
      {false, IN},
      {true, TO | IN},
      {false, TO},
      {false, TO | IN},
      {false, FROM},
      {true, TO | FROM},
      {false, TO | FROM}}},
    /* A.3.4 */
    {CHART_RECEIVED,
     TYPE_UNSUBSCRIBED,
     {{false, 0},
      {true, 0},
      {false, IN},
      {true, IN},
      {true, 0},
      {true, IN},
      {false, FROM},
      {true, FROM},
      {true, FROM}}},
};

static void the_chart_is_that_of_the_appendix(void **state)
{
    (void)state;
    const unsigned subscription = TO | FROM | OUT | IN;
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (size_t i = 0; i < STATES; i++) {
            const struct table *table = &tables[t];
            struct chart_step step = chart_step(table->side, table->type, states[i].flags);
            if (step.passes != table->rows[i].passes ||
                (step.flags & subscription) != table->rows[i].after)
                fail_msg("table %zu, %s: passes %d, flags %x, not %d, %x", t, states[i].name,
                         step.passes, step.flags, table->rows[i].passes, table->rows[i].after);
        }
}

/* Whatever comes, no state is reached that the appendix does not know. */
static void no_other_state_is_reached(void **state)
{
    static const enum stanza_type types[] = {TYPE_SUBSCRIBE, TYPE_SUBSCRIBED, TYPE_UNSUBSCRIBE,
                                             TYPE_UNSUBSCRIBED};
    (void)state;
    for (unsigned flags = 0; flags < 64; flags++) {
        bool legal = !((flags & TO) && (flags & OUT)) && !((flags & FROM) && (flags & IN));
        for (int k = 0; legal && k < 8; k++) {
            unsigned after =
                chart_step(k < 4 ? CHART_SENT : CHART_RECEIVED, types[k % 4], flags).flags;
            assert_false((after & TO) && (after & OUT));
            assert_false((after & FROM) && (after & IN));
        }
    }
}

/* 3.4: approved beforehand, the server answers by itself; taken back, it does not. */
static void approval_beforehand(void **state)
{
    (void)state;
    struct chart_step step = chart_step(CHART_SENT, TYPE_SUBSCRIBED, 0);
    assert_false(step.passes);
    assert_int_equal(step.flags, ROSTER_APPROVED | ROSTER_LISTED);
    struct chart_step asked = chart_step(CHART_RECEIVED, TYPE_SUBSCRIBE, step.flags);
    assert_true(asked.approves);
    assert_false(asked.passes);
    assert_int_equal(asked.flags, FROM | ROSTER_LISTED);
    struct chart_step back = chart_step(CHART_SENT, TYPE_UNSUBSCRIBED, step.flags);
    assert_false(back.passes);
    assert_int_equal(back.flags, ROSTER_LISTED);
    assert_true(chart_step(CHART_RECEIVED, TYPE_SUBSCRIBE, back.flags).passes);
    /* who is subscribed already is told so again */
    assert_true(chart_step(CHART_RECEIVED, TYPE_SUBSCRIBE, FROM).approves);
}

static void only_four_types_are_of_the_chart(void **state)
{
    (void)state;
    assert_true(chart_is_subscription(TYPE_SUBSCRIBE));
    assert_true(chart_is_subscription(TYPE_UNSUBSCRIBED));
    assert_false(chart_is_subscription(TYPE_AVAILABLE));
    assert_false(chart_is_subscription(TYPE_PROBE));
    assert_false(chart_is_subscription(TYPE_ERROR));
}

/* --- The same through the server: what goes out, what comes in, what is kept --- */

static struct actor me;
static enum stanza_type went; /* the last subscription stanza of `me` that left the server */

static enum verdict see(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->kind == STANZA_PRESENCE && chart_is_subscription(acc->type) &&
        str_is(acc->from.user, "me"))
        went = acc->type;
    return HOOK_OK;
}

static const struct hook seeing[] = {
    {.at = HOOK_filter_local_packet, .run = see, .before = "roster"}, {0}};
static const struct module module_see = {.name = "see", .hooks = seeing};

static const char *type_name(enum stanza_type type)
{
    return type == TYPE_SUBSCRIBE     ? "subscribe"
           : type == TYPE_SUBSCRIBED  ? "subscribed"
           : type == TYPE_UNSUBSCRIBE ? "unsubscribe"
                                      : "unsubscribed";
}

/* What the client hears of it; `went` tells what others do. */
static const char *exchange(enum chart_side side, enum stanza_type type)
{
    char xml[128];
    stage_written(&me);
    went = TYPE_UNKNOWN;
    snprintf(xml, sizeof xml, "<presence type='%s' from='%s@localhost' to='%s@localhost'/>",
             type_name(type), side == CHART_SENT ? "me" : "you", side == CHART_SENT ? "you" : "me");
    if (side == CHART_SENT)
        stage_feed(&me, xml);
    else
        stage_arrive(xml);
    return stage_written(&me);
}

static void reach(unsigned flags)
{
    stage_add(&module_see);
    stage_open("{roster: {}, presence: {}, ping: {}}", "");
    stage_account("me");
    me = stage_login("me", "r");
    stage_ask(&me, "<presence/>");
    stage_ask(&me, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    if (flags & (TO | OUT))
        exchange(CHART_SENT, TYPE_SUBSCRIBE);
    if (flags & TO)
        exchange(CHART_RECEIVED, TYPE_SUBSCRIBED);
    if (flags & (FROM | IN))
        exchange(CHART_RECEIVED, TYPE_SUBSCRIBE);
    if (flags & FROM)
        exchange(CHART_SENT, TYPE_SUBSCRIBED);
}

/* The item of the contact, as a push and the roster say it; "": there is none. */
static void write_item(unsigned flags, char *out, size_t room)
{
    static const char *const names[] = {"none", "to", "from", "both"};
    snprintf(out, room, "<item jid='you@localhost' subscription='%s'%s", names[flags & (TO | FROM)],
             flags & OUT ? " ask='subscribe'" : "");
}

/* A request that waits for an answer comes with the next resource; an item is in the roster, unless
 * there was never more than a request. */
static void assert_kept(unsigned flags, const char *where)
{
    char item[96];
    write_item(flags, item, sizeof item);
    const char *roster =
        stage_ask(&me, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    bool has_none = (flags & ~(unsigned)IN) == 0 && !strstr(roster, "<item");
    if (!has_none && !strstr(roster, item))
        fail_msg("%s: no %s in %s", where, item, roster);
    struct actor other = stage_login("me", "other");
    const char *told = stage_ask(&other, "<presence/>");
    bool waits = strstr(told, "type='subscribe' from='you@localhost'") != NULL;
    if (waits != ((flags & IN) != 0))
        fail_msg("%s: a request %s", where, waits ? "waits" : "does not wait");
}

/* A push tells of each change that the item shows, and of no other. */
static void assert_pushed(const char *heard, unsigned before, unsigned after, const char *where)
{
    char item[96];
    write_item(after, item, sizeof item);
    bool shown = ((before ^ after) & (TO | FROM | OUT)) != 0;
    if (shown && !strstr(heard, item))
        fail_msg("%s: no push of %s in %s", where, item, heard);
}

static void one_of_the_chart(const struct table *table, size_t i)
{
    unsigned before = states[i].flags, after = table->rows[i].after;
    bool sent = table->side == CHART_SENT, passes = table->rows[i].passes;
    char where[96], stanza[64];
    snprintf(where, sizeof where, "%s %s in %s", type_name(table->type), sent ? "sent" : "received",
             states[i].name);
    reach(before);
    const char *heard = exchange(table->side, table->type);
    snprintf(stanza, sizeof stanza, "<presence type='%s'", type_name(table->type));
    if (sent ? (went == table->type) != passes : !strstr(heard, stanza) == passes)
        fail_msg("%s: %s", where, passes ? "it does not pass" : "it passes");
    bool approves = !sent && table->type == TYPE_SUBSCRIBE && (before & FROM);
    if (!sent && (went == TYPE_SUBSCRIBED) != approves)
        fail_msg("%s: answered with %d", where, went);
    assert_pushed(heard, before, after, where);
    assert_kept(after, where);
    stage_close();
}

static void the_server_does_as_the_chart_says(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (size_t i = 0; i < STATES; i++)
            one_of_the_chart(&tables[t], i);
}

/* Two changes under way at once (a contact removes the user): each push has the version of its own
 * change, or who is cut off between them would miss the second. */
static void pushes_tell_their_own_version(void **state)
{
    (void)state;
    reach(TO | FROM);
    stage_account("you");
    struct actor you = stage_login("you", "r");
    stage_ask(&you, "<presence type='subscribe' to='me@localhost'/>");
    stage_arrive("<presence type='subscribed' from='me@localhost' to='you@localhost'/>");
    stage_ask(&me, "<presence type='subscribe' to='you@localhost'/>");
    stage_ask(&you, "<presence type='subscribed' to='me@localhost'/>");
    stage_written(&me);
    stage_ask(&you, "<iq type='set' id='x'><query xmlns='jabber:iq:roster'>"
                    "<item jid='me@localhost' subscription='remove'/></query></iq>");
    const char *heard = stage_written(&me);
    const char *first = strstr(heard, " ver='"),
               *second = first ? strstr(first + 1, " ver='") : NULL;
    assert_non_null(second);
    assert_has(first, "<item jid='you@localhost' subscription='to'/>");
    assert_has(second, "<item jid='you@localhost' subscription='none'/>");
    assert_int_equal(atol(first + 6) + 1, atol(second + 6));
    stage_close();
}

/* --- Both sides, whatever they do --- */

/* What a user's roster says of the other: flags of TO, FROM and OUT. */
static unsigned view(const struct actor *user, const char *peer)
{
    static const char *const names[] = {"'none'", "'to'", "'from'", "'both'"};
    char begin[64];
    snprintf(begin, sizeof begin, "<item jid='%s@localhost' subscription=", peer);
    const char *item = strstr(
        stage_ask(user, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"), begin);
    if (!item)
        return 0;
    struct str text = str_cut(str_of(item + strlen(begin)), '>', &(struct str){0});
    unsigned flags = memmem(text.at, text.len, " ask=", 5) ? OUT : 0;
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (strncmp(text.at, names[i], strlen(names[i])) == 0)
            return flags | i;
    fail_msg("no subscription in %.*s", (int)text.len, text.at);
    return 0;
}

static void do_anything(const struct actor *user, const char *peer, struct prng *prng)
{
    static const char *const stanzas[] = {
        "<presence type='subscribe' to='%s@localhost'/>",
        "<presence type='subscribed' to='%s@localhost'/>",
        "<presence type='unsubscribe' to='%s@localhost'/>",
        "<presence type='unsubscribed' to='%s@localhost'/>",
        "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='%s@localhost'/></query>"
        "</iq>",
        "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='%s@localhost' "
        "subscription='remove'/></query></iq>",
    };
    char xml[256];
    /* what builds up comes more often than what tears down */
    static const unsigned wheel[] = {0, 0, 0, 1, 1, 1, 2, 3, 4, 5};
    unsigned which = wheel[prng_below(prng, COUNT_OF(wheel))];
    size_t len = strlen(stanzas[which]),
           at = (size_t)(strstr(stanzas[which], "%s") - stanzas[which]);
    snprintf(xml, sizeof xml, "%.*s%s%.*s", (int)at, stanzas[which], peer, (int)(len - at - 2),
             stanzas[which] + at + 2);
    stage_feed(user, xml);
}

/* Whether `to` hears of presence that `from` broadcasts. */
static bool is_seen(const struct actor *from, const char *jid, const struct actor *to)
{
    stage_ask(from, "<presence/>");
    return strstr(stage_written(to), jid) != NULL;
}

/* Who gets presence is the same on both sides, and is so. */
static void both_sides_agree(void **state)
{
    enum { STEPS = 400 };
    struct prng prng = {0};
    unsigned seen = 0;
    (void)state;
    prng_init(&prng, 4);
    stage_open("{roster: {}, presence: {}}", "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    struct actor you = stage_login("you", "r");
    stage_ask(&me, "<presence/>");
    stage_ask(&you, "<presence/>");
    for (int i = 0; i < STEPS; i++) {
        bool mine = prng_below(&prng, 2);
        do_anything(mine ? &me : &you, mine ? "you" : "me", &prng);
        stage_written(&me);
        stage_written(&you);
        unsigned my = view(&me, "you"), your = view(&you, "me");
        if (!(my & TO) != !(your & FROM) || !(my & FROM) != !(your & TO))
            fail_msg("step %d: %x and %x", i, my, your);
        assert_false((my & TO) && (my & OUT));
        assert_int_equal(is_seen(&me, "<presence from='me@localhost/r'", &you), !!(my & FROM));
        assert_int_equal(is_seen(&you, "<presence from='you@localhost/r'", &me), !!(my & TO));
        seen |= 1u << (my & (TO | FROM | OUT));
    }
    assert_int_equal(seen, 0x5f); /* none, to, from, both; and the first and third with a request */
    stage_close();
}

static void on_gone(void *owner, enum err outcome)
{
    *(enum err *)owner = outcome;
}

/* `me`, both ways subscribed to `you` and asked by `third`. */
static struct actor befriend(void)
{
    stage_open("{roster: {}, presence: {}, register: {}}", "");
    stage_account("me");
    stage_account("you");
    stage_account("third");
    me = stage_login("me", "r");
    struct actor you = stage_login("you", "r"), third = stage_login("third", "r");
    stage_ask(&you, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    stage_ask(&me, "<presence/>");
    stage_ask(&you, "<presence/>");
    stage_ask(&me, "<presence type='subscribe' to='you@localhost'/>");
    stage_ask(&you, "<presence type='subscribed' to='me@localhost'/>");
    stage_ask(&you, "<presence type='subscribe' to='me@localhost'/>");
    stage_ask(&me, "<presence type='subscribed' to='you@localhost'/>");
    stage_ask(&me, "<presence type='subscribe' to='third@localhost'/>");
    stage_leave(&third);
    stage_written(&you);
    return you;
}

static void assert_told(const char *heard)
{
    assert_has(heard, "<presence type='unsubscribe' from='me@localhost' to='you@localhost'/>");
    assert_has(heard, "<presence type='unsubscribed' from='me@localhost' to='you@localhost'/>");
    assert_has(heard, "<item jid='me@localhost' subscription='none'/>");
    struct actor third = stage_login("third", "r");
    assert_lacks(stage_ask(&third, "<presence/>"), "subscribe"); /* the request went, too */
}

/* The contacts of an account that is removed are told: as if it had removed them. */
static void contacts_of_a_removed_account_are_told(void **state)
{
    (void)state;
    struct actor you = befriend();
    stage_feed(&me,
               "<iq type='set' id='x'><query xmlns='jabber:iq:register'><remove/></query></iq>");
    const char *heard = stage_written(&you);
    assert_told(heard);
    assert_has(heard, "<presence type='unavailable' from='me@localhost/r'");
    stage_close();
}

/* Also when its user is not there (an administrator removes it), and nothing is told when storage
 * has not removed it. */
static void they_are_told_when_it_is_offline(void **state)
{
    (void)state;
    struct actor you = befriend();
    struct arena arena;
    struct jid jid;
    enum err outcome = ERR_DOWN;
    stage_leave(&me);
    stage_written(&you);
    arena_init(&arena);
    assert_int_equal(jid_parse(&arena, STR("me@localhost"), &jid), ERR_OK);
    users_remove(&jid, on_gone, &outcome);
    assert_told(stage_written(&you));
    assert_int_equal(outcome, ERR_OK);
    users_remove(&jid, on_gone, &outcome);
    assert_string_equal(stage_written(&you), "");
    assert_int_equal(outcome, ERR_NOT_FOUND);
    arena_fini(&arena);
    stage_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chart_is_that_of_the_appendix),
        cmocka_unit_test(no_other_state_is_reached),
        cmocka_unit_test(approval_beforehand),
        cmocka_unit_test(only_four_types_are_of_the_chart),
        cmocka_unit_test(the_server_does_as_the_chart_says),
        cmocka_unit_test(pushes_tell_their_own_version),
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(contacts_of_a_removed_account_are_told),
        cmocka_unit_test(they_are_told_when_it_is_offline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
