#include "report.h"

#include <stdio.h>

static void begin(struct report *report, const char *name)
{
    if (report->json)
        buf_format(&report->text, "%s\"%s\":", buf_len(&report->text) ? "," : "{", name);
    else
        buf_format(&report->text, "%-26s ", name);
}

static void end(struct report *report)
{
    if (!report->json)
        buf_push_str(&report->text, STR("\n"));
}

void report_number(struct report *report, const char *name, double value, int decimals)
{
    begin(report, name);
    buf_format(&report->text, "%.*f", decimals, value);
    end(report);
}

/* Values are names and numbers of our own: nothing in them needs an escape. */
void report_text(struct report *report, const char *name, const char *value)
{
    begin(report, name);
    buf_format(&report->text, report->json ? "\"%s\"" : "%s", value);
    end(report);
}

void report_print(struct report *report)
{
    if (report->json)
        buf_push_str(&report->text, STR("}\n"));
    fwrite(buf_at(&report->text), 1, buf_len(&report->text), stdout);
    fflush(stdout);
    buf_fini(&report->text);
}
