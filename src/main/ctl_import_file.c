#include "ctl_import_file.h"

#include "clock.h"
#include "limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Fewer when keys are derived, so that there is something to see. */
enum { BATCH_BYTES = LIMIT_CTL_REQUEST - 128, BATCH_LINES = 5000, BATCH_DERIVED = 100 };

struct batches {
    struct ctl_link *link;
    bool derive;
    uint64_t line, first_line; /* of the file; of the batch */
    size_t count;              /* lines in the batch */
    uint64_t added, present, bad;
};

/* "added N present N bad N" behind the sentences about bad lines. */
static bool take_summary(struct batches *batches, struct str text)
{
    unsigned long long added, present, bad;
    struct str line = {0};
    while (text.len) {
        line = str_cut(text, '\n', &text);
        if (text.len)
            fprintf(stderr, "%.*s\n", STR_ARG(line));
    }
    if (!line.at ||
        sscanf(line.at, "added %llu present %llu bad %llu", &added, &present, &bad) != 3)
        return false;
    batches->added += added;
    batches->present += present;
    batches->bad += bad;
    return true;
}

static int send_batch(struct batches *batches)
{
    struct buf text = {0};
    if (batches->count == 0)
        return CTL_OK;
    int code = ctl_link_run(batches->link, &text);
    buf_push(&text, "", 1);
    struct str answer = {(const char *)buf_at(&text), buf_len(&text) - 1};
    if (code || !take_summary(batches, answer)) {
        fprintf(stderr, "lines from %" PRIu64 " on: %.*s", batches->first_line, STR_ARG(answer));
        code = CTL_FAILED;
    }
    buf_fini(&text);
    batches->count = 0;
    return code;
}

static void begin_batch(struct batches *batches)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, batches->line);
    batches->first_line = batches->line;
    ctl_link_word(batches->link, STR("user"));
    ctl_link_word(batches->link, STR("import"));
    ctl_link_word(batches->link, str_of(number));
    ctl_link_word(batches->link, batches->derive ? STR("derive") : STR("pending"));
}

static bool is_full(const struct batches *batches, size_t len)
{
    return batches->count >= (batches->derive ? BATCH_DERIVED : BATCH_LINES) ||
           buf_len(&batches->link->request) + len + 1 > BATCH_BYTES;
}

static int take_line(struct batches *batches, struct str line)
{
    batches->line++;
    if (memchr(line.at, '\0', line.len) || line.len > BATCH_BYTES / 2) {
        fprintf(stderr, "line %" PRIu64 ": expects `jid,password`\n", batches->line);
        batches->bad++;
        line = STR(""); /* the numbers of the lines behind it stay right */
    }
    int code = batches->count && is_full(batches, line.len) ? send_batch(batches) : CTL_OK;
    if (batches->count == 0)
        begin_batch(batches);
    ctl_link_word(batches->link, line);
    batches->count++;
    return code;
}

static struct str without_end(char *line, ssize_t len)
{
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    return (struct str){line, (size_t)len};
}

static int import(struct batches *batches, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int code = CTL_OK;
    while (!code && (len = getline(&line, &room, file)) > 0)
        code = take_line(batches, without_end(line, len));
    if (line)
        mem_wipe(line, room);
    free(line);
    return code ? code : send_batch(batches);
}

int ctl_import_file(struct ctl_link *link, const char *path, bool derive)
{
    struct batches batches = {.link = link, .derive = derive};
    FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
    if (!file) {
        fprintf(stderr, "ringtailctl: %s: %s\n", path, strerror(errno));
        return CTL_FAILED;
    }
    uint64_t begun_us = clock_monotonic_us();
    int code = import(&batches, file);
    uint64_t us = clock_monotonic_us() - begun_us;
    if (file != stdin)
        fclose(file);
    printf("%" PRIu64 " added, %" PRIu64 " present already, %" PRIu64 " bad, %" PRIu64 ".%03u s",
           batches.added, batches.present, batches.bad, us / 1000000, (unsigned)(us / 1000 % 1000));
    printf(" (%" PRIu64 " a second)\n", us ? batches.added * 1000000 / us : 0);
    return batches.bad ? CTL_FAILED : code;
}
