/*
 * Advanced Message Processing (XEP-0079): rules in a message that say what shall happen to it when
 * it would be delivered in some way, to some resource, or too late. Rules are checked where the
 * message comes from, and done at the recipient's home.
 */
#include "module.h"
#include "store.h"

extern const struct module module_amp;

#define AMP "http://jabber.org/protocol/amp"

enum condition { COND_UNKNOWN, COND_DELIVER, COND_MATCH, COND_EXPIRE };
enum action { ACT_UNKNOWN, ACT_DROP, ACT_ALERT, ACT_ERROR, ACT_NOTIFY };

struct rule {
    enum condition condition;
    enum action action;
    struct str value;
    const struct element *element;
};

static struct metric processed = {"amp_processed_total", "Messages with rules that arrived.",
                                  METRIC_COUNTER, 0};
static struct metric met = {"amp_met_total", "Rules that were met.", METRIC_COUNTER, 0};
static struct metric refused = {"amp_refused_total", "Messages refused because of their rules.",
                                METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&processed, &met, &refused, NULL};

/* --- Rules (4.3, 4.4) --- */

static const char *const condition_names[] = {
    [COND_DELIVER] = "deliver", [COND_MATCH] = "match-resource", [COND_EXPIRE] = "expire-at"};
static const char *const action_names[] = {
    [ACT_DROP] = "drop", [ACT_ALERT] = "alert", [ACT_ERROR] = "error", [ACT_NOTIFY] = "notify"};

static unsigned index_of(struct str text, const char *const *names, size_t count)
{
    for (unsigned i = 1; i < count; i++)
        if (str_is(text, names[i]))
            return i;
    return 0;
}

static bool is_one_of(struct str text, const char *const *names)
{
    for (; *names; names++)
        if (str_is(text, *names))
            return true;
    return false;
}

static bool has_good_value(const struct rule *rule)
{
    static const char *const deliver[] = {"direct", "forward", "gateway", "none", "stored", NULL};
    static const char *const match[] = {"any", "exact", "other", NULL};
    uint64_t stamp;
    if (rule->condition == COND_DELIVER)
        return is_one_of(rule->value, deliver);
    if (rule->condition == COND_MATCH)
        return is_one_of(rule->value, match);
    return text_time_parse(rule->value, &stamp);
}

static struct rule read_rule(const struct element *element)
{
    return (struct rule){.condition =
                             (enum condition)index_of(element_attr(element, "condition"),
                                                      condition_names, COUNT_OF(condition_names)),
                         .action = (enum action)index_of(element_attr(element, "action"),
                                                         action_names, COUNT_OF(action_names)),
                         .value = element_attr(element, "value"),
                         .element = element};
}

/* The rules of a message, or NULL: it has none, or is itself what came of some (`status`). */
static const struct element *rules_of(const struct acc *acc)
{
    const struct element *amp = element_child(acc->element, NS_AMP, "amp");
    bool is_told = acc->type == TYPE_ERROR || (amp && element_attr(amp, "status").at);
    return amp && !is_told ? amp : NULL;
}

static const struct element *next_rule(const struct element *rule)
{
    while (rule && !element_is(rule, NS_AMP, "rule"))
        rule = element_next(rule);
    return rule;
}

#define EACH_RULE(amp, element)                                                                    \
    for (const struct element *element = next_rule(element_first(amp)); element;                   \
         element = next_rule(element_next(element)))

/* --- Where it comes from: what cannot be done is refused (5.2) --- */

static const char *what_is_wrong(const struct rule *rule)
{
    if (!rule->action)
        return "unsupported-actions";
    if (!rule->condition)
        return "unsupported-conditions";
    return has_good_value(rule) ? NULL : "invalid-rules";
}

/* All rules with the same mistake as the first that has one; NULL: none has. */
static struct element *find_mistakes(struct acc *acc, const struct element *amp)
{
    const char *first = NULL;
    struct element *mistakes = NULL;
    EACH_RULE(amp, element)
    {
        struct rule rule = read_rule(element);
        const char *wrong = what_is_wrong(&rule);
        if (!wrong || (first && strcmp(first, wrong) != 0))
            continue;
        if (!first)
            mistakes = element_new(&acc->arena, NS_AMP, first = wrong);
        element_push(mistakes, element_copy(&acc->arena, element));
    }
    return mistakes;
}

static bool may_stop(const struct element *amp)
{
    EACH_RULE(amp, element)
    if (read_rule(element).action != ACT_NOTIFY)
        return true;
    return false;
}

static enum verdict on_send(struct acc *acc, struct session *session)
{
    const struct element *amp = rules_of(acc);
    (void)session;
    if (!amp)
        return HOOK_OK;
    struct element *mistakes = find_mistakes(acc, amp);
    if (!mistakes && next_rule(element_first(amp))) {
        acc->undecided |= acc->to.user.len && may_stop(amp);
        return HOOK_OK;
    }
    bool is_invalid = mistakes && str_is(mistakes->name, "invalid-rules");
    metric_count(&refused);
    effect_refuse(acc, is_invalid ? STANZA_NOT_ACCEPTABLE : STANZA_BAD_REQUEST, NULL, NULL,
                  mistakes);
    return HOOK_STOP;
}

/* --- At the recipient's home: what is going to happen --- */

static bool somebody_takes_bare(const struct jid *to)
{
    struct session *session = NULL;
    while ((session = users_next_session(to, session)))
        if (session_takes_bare(session))
            return true;
    return false;
}

/* As the router will do it (RFC 6121 8.5). */
static struct amp_strategy find_strategy(struct acc *acc)
{
    struct amp_strategy strategy = {AMP_NONE, AMP_NO_RESOURCE};
    bool falls_back = !acc->to.resource.len || acc->type == TYPE_CHAT || acc->type == TYPE_NORMAL;
    if (acc->to.resource.len && users_session(&acc->to))
        strategy = (struct amp_strategy){AMP_DIRECT, AMP_EXACT};
    else if (falls_back && acc->type != TYPE_GROUPCHAT && somebody_takes_bare(&acc->to))
        strategy = (struct amp_strategy){AMP_DIRECT, AMP_OTHER};
    struct acc *inner = acc_new();
    inner->host = acc->host;
    inner->from = acc->from;
    inner->to = acc->to;
    acc_set(inner, acc->element);
    inner->event_data = &strategy;
    hook_run(HOOK_amp_determine_strategy, inner, NULL);
    acc_free(inner);
    return strategy;
}

static bool is_delivery(struct str value, enum amp_deliver deliver)
{
    static const char *const names[] = {
        [AMP_NONE] = "none", [AMP_DIRECT] = "direct", [AMP_STORED] = "stored"};
    return str_is(value, names[deliver]);
}

static bool is_match(struct str value, enum amp_match match)
{
    if (match == AMP_NO_RESOURCE)
        return false;
    return str_is(value, "any") || str_is(value, match == AMP_EXACT ? "exact" : "other");
}

static bool is_met(const struct acc *acc, const struct rule *rule,
                   const struct amp_strategy *strategy)
{
    uint64_t stamp;
    if (rule->condition == COND_DELIVER)
        return is_delivery(rule->value, strategy->deliver);
    if (rule->condition == COND_MATCH)
        return is_match(rule->value, strategy->match);
    return rule->condition == COND_EXPIRE && text_time_parse(rule->value, &stamp) &&
           (acc->rerouted ? shard_self->unix_us : acc->stamp_us) >= stamp;
}

/* --- Actions (4.4) --- */

static struct element *add_rules(struct acc *acc, struct element *parent, const struct rule *rule,
                                 const char *status)
{
    struct element *amp = element_add(&acc->arena, parent, NS_AMP, "amp");
    element_set(&acc->arena, amp, "status", str_of(status));
    element_set(&acc->arena, amp, "from", acc->from.full);
    element_set(&acc->arena, amp, "to", acc->to.full);
    element_push(amp, element_copy(&acc->arena, rule->element));
    return amp;
}

/* What comes of a rule is said by the recipient's server. */
static struct element *address_back(struct acc *acc)
{
    struct element *message = element_new(&acc->arena, NS_CLIENT, "message");
    struct str id = element_attr(acc->element, "id");
    element_set(&acc->arena, message, "from", acc->host->jid.full);
    element_set(&acc->arena, message, "to", acc->from.full);
    if (id.at)
        element_set(&acc->arena, message, "id", id);
    return message;
}

static void say_error(struct acc *acc, const struct rule *rule)
{
    struct element *message = address_back(acc);
    element_set(&acc->arena, message, "type", STR("error"));
    add_rules(acc, message, rule, "error");
    struct element *error = element_add(&acc->arena, message, NS_CLIENT, "error");
    element_set(&acc->arena, error, "type", STR("modify"));
    element_add(&acc->arena, error, NS_STANZAS, "undefined-condition");
    struct element *failed = element_add(&acc->arena, error, NS_AMP_ERRORS, "failed-rules");
    element_push(failed, element_copy(&acc->arena, rule->element));
    effect_route(acc, message);
}

static void tell(struct acc *acc, const struct rule *rule)
{
    if (rule->action == ACT_ERROR) {
        say_error(acc, rule);
    } else if (rule->action != ACT_DROP) {
        struct element *message = address_back(acc);
        add_rules(acc, message, rule, action_names[rule->action]);
        effect_route(acc, message);
    }
}

static enum verdict verdict_of(const struct rule *rule)
{
    metric_count(&met);
    return rule->action == ACT_NOTIFY ? HOOK_OK : HOOK_STOP;
}

static enum verdict act(struct acc *acc, const struct rule *rule)
{
    tell(acc, rule);
    return verdict_of(rule);
}

/* The first rule that is met is done; the others are not looked at (4.2). */
static enum verdict process(struct acc *acc)
{
    struct amp_strategy strategy = find_strategy(acc);
    EACH_RULE(element_child(acc->element, NS_AMP, "amp"), element)
    {
        struct rule rule = read_rule(element);
        if (is_met(acc, &rule, &strategy))
            return act(acc, &rule);
    }
    return HOOK_OK;
}

/* --- Who may know (9): rules that tell whether the recipient is there are for those who may see
 * it. Rules that only drop tell nothing. --- */

static bool tells_presence(const struct element *amp)
{
    bool asks = false, tells = false;
    EACH_RULE(amp, element)
    {
        struct rule rule = read_rule(element);
        asks |= rule.condition == COND_DELIVER || rule.condition == COND_MATCH;
        tells |= rule.action != ACT_DROP;
    }
    return asks && tells;
}

static bool may_know(const struct acc *acc, const struct subscription *contact)
{
    struct jid user = jid_bare(&acc->to);
    struct privacy_view view = privacy_view_of(&user);
    return str_eq(acc->from.bare, user.bare) ||
           ((contact->flags & ROSTER_FROM) && !privacy_hides(&view, &acc->from, contact));
}

static enum verdict process_if_allowed(struct acc *acc, struct session *session)
{
    (void)session;
    if (may_know(acc, acc->event_data))
        return process(acc);
    metric_count(&refused);
    effect_error(acc, STANZA_NOT_ACCEPTABLE, NULL);
    return HOOK_STOP;
}

/* --- What has waited for its user: the other rules were done when it came --- */

static bool find_expired(const struct acc *acc, struct rule *out)
{
    EACH_RULE(rules_of(acc), element)
    {
        *out = read_rule(element);
        if (out->condition == COND_EXPIRE && is_met(acc, out, NULL))
            return true;
    }
    return false;
}

/* It was too late because its user was not there: only who may see that is told. */
static void tell_if_allowed(struct acc *acc, struct session *session, enum verdict verdict)
{
    struct rule rule;
    (void)verdict;
    if (may_know(acc, acc->event_data) && find_expired(acc, &rule))
        tell(acc, &rule);
    effects_apply(acc, session);
    acc_free(acc);
}

/* On an accumulator of its own, so that what is behind the message need not wait. The sender does
 * not hear which resource gets it. */
static void ask_who_may_know(const struct acc *acc)
{
    struct acc *look = acc_copy(acc);
    struct subscription *contact = arena_zero(&look->arena, sizeof *contact);
    contact->contact = look->from.bare;
    look->event_data = contact;
    look->to = jid_bare(&look->to);
    hook_chain(HOOK_roster_get_jid_info, look, NULL, tell_if_allowed);
}

static enum verdict process_expiry(struct acc *acc, struct session *session)
{
    struct rule rule;
    (void)session;
    if (!rules_of(acc) || !find_expired(acc, &rule))
        return HOOK_OK;
    if (rule.action != ACT_DROP)
        ask_who_may_know(acc);
    return verdict_of(&rule);
}

/* Its client was away, and comes back (XEP-0198). */
static enum verdict on_resend(struct acc *acc, struct session *session)
{
    acc->rerouted = true;
    return process_expiry(acc, session);
}

static enum verdict on_arrival(struct acc *acc, struct session *session)
{
    const struct element *amp = acc->kind == STANZA_MESSAGE ? rules_of(acc) : NULL;
    if (!amp)
        return HOOK_OK;
    if (acc->rerouted)
        return process_expiry(acc, session);
    metric_count(&processed);
    if (!tells_presence(amp) || str_eq(acc->from.bare, acc->to.bare))
        return process(acc);
    return subscription_ask(acc, session, &acc->to, &acc->from, process_if_allowed);
}

/* --- What is told (6) --- */

static enum verdict on_features(struct acc *acc, struct session *session)
{
    if (session->authenticated)
        element_add(&acc->arena, acc->element, NS_AMP_FEATURE, "amp");
    return HOOK_OK;
}

static const struct feature features[] = {
    {IQ_HOST, AMP},
    {IQ_HOST, AMP "?action=alert"},
    {IQ_HOST, AMP "?action=drop"},
    {IQ_HOST, AMP "?action=error"},
    {IQ_HOST, AMP "?action=notify"},
    {IQ_HOST, AMP "?condition=deliver"},
    {IQ_HOST, AMP "?condition=expire-at"},
    {IQ_HOST, AMP "?condition=match-resource"},
    {0},
};

static enum verdict on_disco(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->to.user.len || !str_is(element_attr(acc->element, "node"), AMP))
        return HOOK_OK;
    struct element *identity = element_add(&acc->arena, acc->element, NS_DISCO_INFO, "identity");
    element_set(&acc->arena, identity, "category", STR("server"));
    element_set(&acc->arena, identity, "type", STR("im"));
    for (const struct feature *feature = features; feature->target; feature++) {
        struct element *told = element_add(&acc->arena, acc->element, NS_DISCO_INFO, "feature");
        element_set(&acc->arena, told, "var", str_of(feature->var));
    }
    return HOOK_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features},
    {.at = HOOK_user_send_message,
     .ns = NS_AMP,
     .element = "amp",
     .run = on_send,
     .before = "carbons, inbox, mam",
     .after = "blocking, privacy"},
    {.at = HOOK_filter_local_packet,
     .ns = NS_AMP,
     .element = "amp",
     .run = on_arrival,
     .before = "carbons, inbox, mam",
     .after = "blocking, privacy"},
    {.at = HOOK_xmpp_resend_element, .ns = NS_AMP, .element = "amp", .run = on_resend},
    {.at = HOOK_disco_info, .run = on_disco},
    {0},
};

const struct module module_amp = {
    .name = "amp",
    .xep = "XEP-0079",
    .hooks = hooks,
    .features = features,
    .metrics = metrics,
};
