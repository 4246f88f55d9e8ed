#include "report.h"

#include "check.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>

void report_add(struct report *report, const char *name, double value, int decimals)
{
    CHECK(report->count < FIGURES_MAX);
    struct figure *figure = &report->figures[report->count++];
    *figure = (struct figure){.value = value, .decimals = decimals};
    text_copy(figure->name, sizeof figure->name, str_of(name));
}

void report_add_per(struct report *report, const char *prefix, const char *unit, double value,
                    int decimals)
{
    char name[40];
    snprintf(name, sizeof name, "%s_%s", prefix, unit);
    report_add(report, name, value, decimals);
}

double report_get(const struct report *report, const char *name)
{
    for (unsigned i = 0; i < report->count; i++)
        if (strcmp(report->figures[i].name, name) == 0)
            return report->figures[i].value;
    return 0;
}

void report_lines(struct buf *out, const struct report *report)
{
    for (unsigned i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];
        buf_format(out, "%-26s %.*f\n", figure->name, figure->decimals, figure->value);
    }
}

void report_members(struct buf *out, const struct report *report)
{
    for (unsigned i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];
        json_number(out, figure->name, figure->value, figure->decimals);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void report_median(const struct report *reports, unsigned count, struct report *out)
{
    double *values = mem_zalloc(count * sizeof *values);
    out->count = 0;
    for (unsigned i = 0; i < reports->count; i++) {
        for (unsigned k = 0; k < count; k++)
            values[k] = reports[k].figures[i].value;
        report_add(out, reports->figures[i].name, median_of(values, count),
                   reports->figures[i].decimals);
    }
    mem_free(values);
}
