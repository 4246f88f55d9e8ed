/* Namespaces as numbers, so that a handler's namespace is compared with one instruction. */
#ifndef RT_NS_H
#define RT_NS_H

#include "text.h"

#define NS(name, uri) NS_##name,
enum ns {
    NS_NONE,  /* no namespace */
    NS_OTHER, /* one that is not in ns.def; the element keeps its text */
#include "ns.def"
    NS_COUNT
};
#undef NS

/* The URI of a known namespace; empty for NS_NONE and NS_OTHER. Any thread. */
struct str ns_uri(enum ns ns);

/* The number of a URI; NS_OTHER when it is not known, NS_NONE when it is empty. Any thread. */
enum ns ns_find(struct str uri);

#endif
