/* The words and tables of the page. */
#ifndef RT_HTML_TABLES_H
#define RT_HTML_TABLES_H

#include "results.h"

/* What was run, when, on what. */
void html_heading(struct buf *out, const struct result *results);

/* The figures that one looks for first, of each series at its highest rate that was delivered. */
void html_cards(struct buf *out, const struct result *results);

/* A row a phase and a row for medians. */
void html_phases(struct buf *out, const struct result *results);

/* Parameters, machine and memory of each run. */
void html_runs(struct buf *out, const struct result *results);

#endif
