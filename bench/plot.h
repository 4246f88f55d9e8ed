/* A line plot as inline SVG: axes with round ticks, linear or logarithmic, a legend, values on
 * hovering. Colours are classes of the page (html.c). */
#ifndef RT_PLOT_H
#define RT_PLOT_H

#include "buf.h"

#include <stdbool.h>

enum { CURVES_MAX = 16, CURVE_POINTS_MAX = 2048, COLOURS = 8 };

struct curve {
    char name[80];
    unsigned colour; /* below COLOURS */
    bool dashed;
    unsigned count;
    double *x, *y; /* CURVE_POINTS_MAX each, of the plot */
};

struct plot {
    const char *title, *x_name, *y_name;
    bool log_x, log_y; /* what is not above 0 is left out then */
    bool areas;        /* filled down to the axis; no marks at the points */
    struct curve curves[CURVES_MAX];
    unsigned count;
};

/* Adds an empty curve; the last one again when there are too many. */
struct curve *plot_curve(struct plot *plot, const char *name, unsigned colour, bool dashed);

/* Adds a point; those behind the first CURVE_POINTS_MAX are left out. */
void curve_point(struct curve *curve, double x, double y);

/* Appends the SVG; nothing when no curve has a point. */
void plot_write(struct buf *out, const struct plot *plot);

/* Gives the points back. */
void plot_fini(struct plot *plot);

#endif
