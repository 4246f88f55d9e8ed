/* Software Version (XEP-0092). */
#include "module.h"

#include <sys/utsname.h>

extern const struct module module_version;

struct version_conf {
    bool os_info;
};

static void add_text(struct acc *acc, struct element *query, const char *name, const char *text)
{
    struct element *child = element_add(&acc->arena, query, NS_VERSION, name);
    element_add_text(&acc->arena, child, str_of(text));
}

static enum verdict answer(struct acc *acc, struct session *session)
{
    const struct version_conf *conf = module_conf(acc->host, &module_version);
    struct utsname os;
    (void)session;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_VERSION, "query");
    add_text(acc, query, "name", "Ringtail");
    add_text(acc, query, "version", RINGTAIL_VERSION);
    if (conf->os_info && uname(&os) == 0)
        add_text(acc, query, "os", os.sysname);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static const struct iq_handler iqs[] = {
    {NS_VERSION, "query", IQ_HOST, TYPE_GET, answer},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "jabber:iq:version"}, {0}};

static const struct key keys[] = {
    {.name = "os_info",
     .type = KEY_BOOL,
     .offset = offsetof(struct version_conf, os_info),
     .preset = "false",
     .help = "Tell the name of the operating system as well."},
    {0},
};

const struct module module_version = {
    .name = "version",
    .xep = "XEP-0092",
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct version_conf),
};
