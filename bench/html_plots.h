/* The plots of the page. */
#ifndef RT_HTML_PLOTS_H
#define RT_HTML_PLOTS_H

#include "results.h"

/* Latency and CPU time by rate, and how latencies are distributed. */
void html_plots(struct buf *out, const struct result *results);

/* True for a line that stands for its rate: medians, or a phase when there are none. */
bool html_is_point(const struct result *results, const struct result *result);

/* "Ringtail: one_to_one", or less when all have the same. */
void html_series_name(char *out, size_t room, const struct result *result);

/* The highest rate that was delivered without loss, of the series of `one`; NULL: none was. */
const struct result *html_best(const struct result *results, const struct result *one);

/* True when both are of one server and scenario. */
bool html_same_series(const struct result *a, const struct result *b);

#endif
