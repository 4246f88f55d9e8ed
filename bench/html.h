/* A page about runs: plots, tables, parameters, the machine. It needs nothing but itself. */
#ifndef RT_HTML_H
#define RT_HTML_H

#include "results.h"

/* Appends text with what HTML takes for its own escaped. */
void html_text(struct buf *out, struct str text);

/* The page about JSON lines (results.h). ERR_INVALID: they are none, which was told. */
RT_NODISCARD enum err html_write(struct buf *out, struct str lines);

/* The page about lines that were read. */
void html_page(struct buf *out, const struct result *results);

/* ringtail-bench report RESULTS… --html FILE; argv[0] is the command. The exit code. */
int html_run(int argc, char **argv);

#endif
