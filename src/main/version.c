#include "version.h"

#include "digest.h"
#include "http.h"
#include "inflate.h"
#include "jid.h"
#include "mem.h"
#include "parser.h"
#include "ring.h"
#include "store.h"
#include "tls.h"
#include "yaml.h"

static const struct {
    const char *what, *name;
    const char *(*version)(void);
} parts[] = {
    {"memory", "", mem_version},
    {"xml", "", parser_version},
    {"stringprep", "libidn ", jid_version},
    {"crypto", "wolfCrypt ", digest_version},
    {"tls", "", tls_version},
    {"ring", "", ring_version},
    {"storage", "", store_version},
    {"yaml", "libyaml ", yaml_library_version},
    {"inflate", "", inflate_version},
    {"http", "libmicrohttpd ", http_library_version},
};

void version_print(struct buf *out)
{
    const char *features;
    enum err err = ring_probe(&features);
    buf_format(out, "ringtail %s\n", RINGTAIL_VERSION);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        buf_format(out, "%-11s %s%s\n", parts[i].what, parts[i].name, parts[i].version());
    buf_format(out, "%-11s %s\n", err ? "missing" : "in use", features);
}
