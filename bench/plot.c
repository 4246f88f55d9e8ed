#include "plot.h"

#include "html.h"
#include "mem.h"

#include <math.h>

/* Of the picture, in its own units. */
enum { WIDTH = 760, HEIGHT = 340, LEFT = 70, RIGHT = 16, TOP = 20, BOTTOM = 52, TICKS = 6 };

struct axis {
    double low, high;
    bool log;
};

/* --- Points --- */

struct curve *plot_curve(struct plot *plot, const char *name, unsigned colour, bool dashed)
{
    if (plot->count == CURVES_MAX)
        return &plot->curves[CURVES_MAX - 1];
    struct curve *curve = &plot->curves[plot->count++];
    *curve = (struct curve){.colour = colour % COLOURS, .dashed = dashed};
    text_copy(curve->name, sizeof curve->name, str_of(name));
    curve->x = mem_zalloc(2 * CURVE_POINTS_MAX * sizeof *curve->x);
    curve->y = curve->x + CURVE_POINTS_MAX;
    return curve;
}

void curve_point(struct curve *curve, double x, double y)
{
    if (curve->count == CURVE_POINTS_MAX || !isfinite(x) || !isfinite(y))
        return;
    curve->x[curve->count] = x;
    curve->y[curve->count++] = y;
}

void plot_fini(struct plot *plot)
{
    for (unsigned i = 0; i < plot->count; i++)
        mem_free(plot->curves[i].x);
    plot->count = 0;
}

/* --- Axes --- */

static bool is_seen(const struct axis *axis, double value)
{
    return !axis->log || value > 0;
}

static void widen(struct axis *axis, double value, bool *any)
{
    if (!is_seen(axis, value))
        return;
    axis->low = *any && axis->low < value ? axis->low : value;
    axis->high = *any && axis->high > value ? axis->high : value;
    *any = true;
}

static double round_step(double span)
{
    double step = pow(10, floor(log10(span / TICKS)));
    while (span / step > TICKS)
        step *= span / step > TICKS * 2.5 ? 5 : 2;
    return step;
}

/* A linear axis begins at 0; a logarithmic one at a power of ten or half of it. */
static void round_ends(struct axis *axis)
{
    if (axis->log) {
        axis->low = pow(10, floor(log10(axis->low) * 2) / 2);
        axis->high = pow(10, ceil(log10(axis->high) * 2) / 2);
        if (axis->low >= axis->high)
            axis->high = axis->low * 10;
        return;
    }
    axis->low = axis->low < 0 ? axis->low : 0;
    if (axis->high <= axis->low)
        axis->high = axis->low + 1;
    double step = round_step(axis->high - axis->low);
    axis->high = ceil(axis->high / step * 0.999) * step;
}

/* Where a value is, from 0 to 1. */
static double part_of(const struct axis *axis, double value)
{
    if (axis->log)
        return (log10(value) - log10(axis->low)) / (log10(axis->high) - log10(axis->low));
    return (value - axis->low) / (axis->high - axis->low);
}

static double place_x(const struct axis *x, double value)
{
    return LEFT + part_of(x, value) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct axis *y, double value)
{
    return HEIGHT - BOTTOM - part_of(y, value) * (HEIGHT - TOP - BOTTOM);
}

/* "1500", "2M", "0.5". */
static void write_value(struct buf *out, double value)
{
    if (value >= 1e6)
        buf_format(out, "%gM", value / 1e6);
    else if (value >= 1e4)
        buf_format(out, "%gk", value / 1e3);
    else
        buf_format(out, "%g", value);
}

static void write_tick(struct buf *out, const struct axis *axis, double value, bool upright)
{
    double at = upright ? place_y(axis, value) : place_x(axis, value);
    if (upright)
        buf_format(out,
                   "<line class='grid' x1='%d' x2='%d' y1='%.1f' y2='%.1f'/>"
                   "<text class='tick' text-anchor='end' x='%d' y='%.1f'>",
                   LEFT, WIDTH - RIGHT, at, at, LEFT - 8, at + 4);
    else
        buf_format(out,
                   "<line class='grid' x1='%.1f' x2='%.1f' y1='%d' y2='%d'/>"
                   "<text class='tick' text-anchor='middle' x='%.1f' y='%d'>",
                   at, at, TOP, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 18);
    write_value(out, value);
    buf_push_str(out, STR("</text>"));
}

static void write_ticks(struct buf *out, const struct axis *axis, bool upright)
{
    static const double of_decade[] = {1, 2, 5};
    if (!axis->log) {
        double step = round_step(axis->high - axis->low);
        for (double value = axis->low; value <= axis->high * 1.0001; value += step)
            write_tick(out, axis, value, upright);
        return;
    }
    bool few = axis->high / axis->low < 2000;
    for (double decade = pow(10, floor(log10(axis->low))); decade <= axis->high; decade *= 10)
        for (size_t i = 0; i < (few ? COUNT_OF(of_decade) : 1); i++) {
            double value = decade * of_decade[i];
            if (value >= axis->low * 0.999 && value <= axis->high * 1.001)
                write_tick(out, axis, value, upright);
        }
}

/* --- Curves --- */

static void write_line(struct buf *out, const struct plot *plot, const struct curve *curve,
                       const struct axis *x, const struct axis *y)
{
    const char *verb = "M";
    double first = 0, last = 0;
    buf_format(out, "<path class='%s c%u%s' d='", plot->areas ? "area" : "line", curve->colour,
               curve->dashed ? " dashed" : "");
    for (unsigned i = 0; i < curve->count; i++) {
        if (!is_seen(x, curve->x[i]) || !is_seen(y, curve->y[i]))
            continue;
        last = place_x(x, curve->x[i]);
        if (*verb == 'M')
            first = last;
        buf_format(out, "%s%.1f %.1f", verb, last, place_y(y, curve->y[i]));
        verb = "L";
    }
    if (plot->areas && *verb == 'L')
        buf_format(out, "L%.1f %dL%.1f %dZ", last, HEIGHT - BOTTOM, first, HEIGHT - BOTTOM);
    buf_push_str(out, STR("'/>"));
}

static void write_marks(struct buf *out, const struct plot *plot, const struct curve *curve,
                        const struct axis *x, const struct axis *y)
{
    for (unsigned i = 0; i < curve->count && !plot->areas; i++) {
        if (!is_seen(x, curve->x[i]) || !is_seen(y, curve->y[i]))
            continue;
        buf_format(out, "<circle class='c%u' r='3.5' cx='%.1f' cy='%.1f'><title>", curve->colour,
                   place_x(x, curve->x[i]), place_y(y, curve->y[i]));
        html_text(out, str_of(curve->name));
        buf_format(out, ": %g %s at %g</title></circle>", curve->y[i], plot->y_name, curve->x[i]);
    }
}

static void write_legend(struct buf *out, const struct plot *plot)
{
    buf_push_str(out, STR("<div class='legend'>"));
    for (unsigned i = 0; i < plot->count; i++) {
        const struct curve *curve = &plot->curves[i];
        if (curve->count == 0)
            continue;
        buf_format(out,
                   "<span><svg width='26' height='10'><line class='line c%u%s' x1='1' x2='25' "
                   "y1='5' y2='5'/></svg>",
                   curve->colour, curve->dashed ? " dashed" : "");
        html_text(out, str_of(curve->name));
        buf_push_str(out, STR("</span>"));
    }
    buf_push_str(out, STR("</div>"));
}

static void write_names(struct buf *out, const struct plot *plot)
{
    buf_format(out, "<text class='name' text-anchor='middle' x='%d' y='%d'>",
               (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10);
    html_text(out, str_of(plot->x_name));
    buf_format(out,
               "</text><text class='name' text-anchor='middle' transform='translate(16 %d) "
               "rotate(-90)'>",
               (TOP + HEIGHT - BOTTOM) / 2);
    html_text(out, str_of(plot->y_name));
    buf_push_str(out, STR("</text>"));
}

/* False: there is nothing to see. */
static bool find_ends(const struct plot *plot, struct axis *x, struct axis *y)
{
    bool any_x = false, any_y = false;
    for (unsigned i = 0; i < plot->count; i++)
        for (unsigned k = 0; k < plot->curves[i].count; k++) {
            widen(x, plot->curves[i].x[k], &any_x);
            widen(y, plot->curves[i].y[k], &any_y);
        }
    if (!any_x || !any_y)
        return false;
    round_ends(x);
    round_ends(y);
    return true;
}

void plot_write(struct buf *out, const struct plot *plot)
{
    struct axis x = {.log = plot->log_x}, y = {.log = plot->log_y};
    if (!find_ends(plot, &x, &y))
        return;
    buf_push_str(out, STR("<figure><figcaption>"));
    html_text(out, str_of(plot->title));
    buf_format(out, "</figcaption><svg class='plot' viewBox='0 0 %d %d' role='img'>", WIDTH,
               HEIGHT);
    write_ticks(out, &x, false);
    write_ticks(out, &y, true);
    write_names(out, plot);
    for (unsigned i = 0; i < plot->count; i++)
        write_line(out, plot, &plot->curves[i], &x, &y);
    for (unsigned i = 0; i < plot->count; i++)
        write_marks(out, plot, &plot->curves[i], &x, &y);
    buf_push_str(out, STR("</svg>"));
    write_legend(out, plot);
    buf_push_str(out, STR("</figure>"));
}
