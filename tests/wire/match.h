/* Patterns for received elements. */
#ifndef RT_MATCH_H
#define RT_MATCH_H

#include "element.h"

#include <stdbool.h>

/*
 * True when the element is what the pattern says: same name and namespace; each attribute of the
 * pattern equal ('*': any value, '!': absent); the pattern's text equal if it has some ('*': any);
 * its child elements found in this order among the element's, others may stand between. Else `why`
 * gets a sentence.
 */
bool match(const struct element *pattern, const struct element *element, char *why, size_t room);

#endif
