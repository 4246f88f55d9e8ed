/*
 * Reads plain XML, which nearly all stanzas are: ASCII names without prefix (but xml:lang), text
 * with the five predefined entities; no CDATA, no characters by number, no carriage returns. It
 * takes a tenth of what expat takes, and never judges: it says "not plain" of all that is not
 * surely well-formed, and the parser looks at that.
 */
#ifndef RT_ELEMENT_READ_H
#define RT_ELEMENT_READ_H

#include "element.h"

/* The tree of one element, with nothing around it, inside a stream of NS_CLIENT; its texts are
 * views of one copy of `xml` in the arena. NULL: not plain (then some of the arena is wasted). */
struct element *element_read(struct arena *arena, struct str xml);

#endif
