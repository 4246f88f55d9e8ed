/* Rooms are made before anybody talks. */
#ifndef RT_MUC_H
#define RT_MUC_H

#include "scenario.h"

/* As struct scenario has them: false when a room could not be made, which was told. */
bool muc_light_prepare(const struct scenario *scenario);
bool muc_prepare(const struct scenario *scenario);

#endif
