/* What one key alone cannot say: checks across keys, and texts made what they stand for. */
#ifndef RT_CONFIG_CHECK_H
#define RT_CONFIG_CHECK_H

#include "config.h"

/* Prepares domains, makes paths absolute, and adds a problem for each contradiction. `root` tells
 * the lines. */
void config_check(struct config *config, struct problems *problems, const struct conf_node *root);

#endif
