#include "html.h"

#include "html_plots.h"
#include "html_tables.h"

#include <stdio.h>

void html_text(struct buf *out, struct str text)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'\'', "&#39;"}, {'"', "&quot;"}};
    for (size_t i = 0; i < text.len; i++) {
        struct str piece = {text.at + i, 1};
        for (size_t k = 0; k < COUNT_OF(escapes); k++)
            if (escapes[k].c == text.at[i])
                piece = str_of(escapes[k].as);
        buf_push_str(out, piece);
    }
}

static const char head[] =
    "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width'><title>ringtail-bench</title><style>"
    ":root{--ink:#1c2430;--soft:#667085;--line:#e3e7ee;--paper:#fff;--card:#f7f9fc;"
    "--c0:#2563eb;--c1:#d9480f;--c2:#2b8a3e;--c3:#9c36b5;--c4:#0b7285;--c5:#c2255c;--c6:#846200;"
    "--c7:#5f6b7a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa5b5;--line:#313a48;"
    "--paper:#141a22;--card:#1b2330;--c0:#6ea0ff;--c1:#ff8f57;--c2:#69c97c;--c3:#d08ae6;"
    "--c4:#4fc3d7;--c5:#ff7ba6;--c6:#d9b13b;--c7:#a3b0c2}}"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:1180px;margin:0 auto;padding:24px 20px 60px}"
    "h1{font-size:26px;margin:0}h2{font-size:18px;margin:36px 0 10px}"
    "p.sub{color:var(--soft);margin:4px 0 0}"
    ".cards{display:flex;flex-wrap:wrap;gap:12px;margin:22px 0 6px}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "padding:10px 16px;min-width:130px}"
    ".card b{display:block;font-size:22px}.card span{color:var(--soft);font-size:13px}"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:18px}"
    "figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "padding:12px}figcaption{font-weight:600;margin:0 0 4px 4px}"
    "svg.plot{width:100%;height:auto;display:block}"
    ".grid{stroke:var(--line)}.tick{font-size:12px;fill:var(--soft)}"
    ".name{font-size:13px;fill:var(--soft)}.line{fill:none;stroke-width:2}"
    ".area{fill-opacity:.12;stroke-width:1.5}.dashed{stroke-dasharray:5 4}"
    "circle{stroke:var(--card);stroke-width:1}"
    ".c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}"
    ".c4{stroke:var(--c4)}.c5{stroke:var(--c5)}.c6{stroke:var(--c6)}.c7{stroke:var(--c7)}"
    "circle.c0,.area.c0{fill:var(--c0)}circle.c1,.area.c1{fill:var(--c1)}"
    "circle.c2,.area.c2{fill:var(--c2)}circle.c3,.area.c3{fill:var(--c3)}"
    "circle.c4,.area.c4{fill:var(--c4)}circle.c5,.area.c5{fill:var(--c5)}"
    "circle.c6,.area.c6{fill:var(--c6)}circle.c7,.area.c7{fill:var(--c7)}"
    ".legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;margin:4px 0 0 4px}"
    ".legend svg{vertical-align:middle;margin-right:6px}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px}"
    "th,td{padding:4px 7px;border-bottom:1px solid var(--line);text-align:right;"
    "font-variant-numeric:tabular-nums}td{white-space:nowrap}"
    "th{color:var(--soft);font-weight:600;vertical-align:bottom}"
    "th:first-child,td:first-child{text-align:left}tr.median td{font-weight:600}"
    "td.bad{color:var(--c1);font-weight:600}"
    "dl{columns:3 300px;margin:0;font-size:13px}dl div{display:flex;gap:10px;"
    "break-inside:avoid;border-bottom:1px solid var(--line);padding:2px 0}"
    "dt{color:var(--soft);flex:0 0 46%}dd{margin:0;overflow-wrap:anywhere}"
    "</style></head><body>";

void html_page(struct buf *out, const struct result *results)
{
    buf_push_str(out, STR(head));
    html_heading(out, results);
    html_cards(out, results);
    html_plots(out, results);
    html_phases(out, results);
    html_runs(out, results);
    buf_push_str(out, STR("</body></html>\n"));
}

enum err html_write(struct buf *out, struct str lines)
{
    struct arena arena;
    struct result *results = NULL;
    arena_init(&arena);
    enum err err = results_read(&arena, "results", lines, &results);
    if (!err)
        html_page(out, results);
    arena_fini(&arena);
    return err;
}

static int write_page(const char *path, const struct result *results)
{
    struct buf page = {0};
    FILE *file = fopen(path, "we");
    html_page(&page, results);
    bool well = file && fwrite(buf_at(&page), 1, buf_len(&page), file) == buf_len(&page);
    if (file)
        well &= fclose(file) == 0;
    if (!well)
        fprintf(stderr, "ringtail-bench: %s cannot be written\n", path);
    buf_fini(&page);
    return well ? 0 : 1;
}

int html_run(int argc, char **argv)
{
    struct arena arena;
    struct result *results = NULL;
    const char *path = NULL;
    enum err err = ERR_OK;
    arena_init(&arena);
    for (int i = 1; i < argc && !err; i++) {
        if (strcmp(argv[i], "--html") == 0 && i + 1 < argc)
            path = argv[++i];
        else
            err = results_load(&arena, argv[i], &results);
    }
    int code = 2;
    if (!err && path && results)
        code = write_page(path, results);
    else if (!err)
        fputs("ringtail-bench report RESULTS… --html FILE\n", stderr);
    arena_fini(&arena);
    return code;
}
