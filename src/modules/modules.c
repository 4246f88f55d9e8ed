/* The list of all modules compiled in: modules.def is made by cmake/modules.cmake. */
#include "module.h"

#define MODULE(name) extern const struct module module_##name;
#include "modules.def"
#undef MODULE

#define MODULE(name) &module_##name,
const struct module *const modules_all[] = {
#include "modules.def"
    NULL};
#undef MODULE
