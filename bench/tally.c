#include "tally.h"

#include <inttypes.h>

#define AT(field) offsetof(struct tally, field)

static const size_t sums[] = {AT(sent),       AT(expected), AT(delivered),  AT(doubled),
                              AT(disordered), AT(errors),   AT(others),     AT(receipts),
                              AT(in_window),  AT(broken),   AT(own_cpu_us), AT(not_archived),
                              AT(not_listed)};

static uint64_t *number_at(const struct tally *tally, size_t offset)
{
    return (uint64_t *)((char *)tally + offset);
}

void tally_add(struct tally *tally, const struct tally *more)
{
    for (size_t i = 0; i < COUNT_OF(sums); i++)
        *number_at(tally, sums[i]) += *number_at(more, sums[i]);
    if (more->last_us > tally->last_us)
        tally->last_us = more->last_us;
    hist_merge(&tally->latency_us, &more->latency_us);
    hist_merge(&tally->late_us, &more->late_us);
}

static void write_hist(struct buf *out, const struct hist *hist)
{
    buf_format(out, " %" PRIu64, hist->max);
    for (unsigned i = 0; i < HIST_BINS; i++)
        if (hist->bins[i])
            buf_format(out, " %u:%" PRIu64, i, hist->bins[i]);
    buf_push_str(out, STR(" ."));
}

void tally_write(struct buf *out, const struct tally *tally)
{
    for (size_t i = 0; i < COUNT_OF(sums); i++)
        buf_format(out, "%" PRIu64 " ", *number_at(tally, sums[i]));
    buf_format(out, "%" PRIu64, tally->last_us);
    write_hist(out, &tally->latency_us);
    write_hist(out, &tally->late_us);
}

static bool read_number(struct str *rest, uint64_t *out)
{
    return text_u64(str_cut(*rest, ' ', rest), 0, UINT64_MAX, out);
}

static bool read_hist(struct str *rest, struct hist *hist)
{
    if (!read_number(rest, &hist->max))
        return false;
    for (struct str word; !str_is(word = str_cut(*rest, ' ', rest), ".");) {
        struct str count;
        uint64_t bin, value;
        if (!text_u64(str_cut(word, ':', &count), 0, HIST_BINS - 1, &bin) ||
            !text_u64(count, 0, UINT64_MAX, &value))
            return false;
        hist->bins[bin] = value;
        hist->count += value;
    }
    return true;
}

enum err tally_read(struct str line, struct tally *out)
{
    struct str rest = line;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < COUNT_OF(sums); i++)
        if (!read_number(&rest, number_at(out, sums[i])))
            return ERR_INVALID;
    bool well = read_number(&rest, &out->last_us) && read_hist(&rest, &out->latency_us) &&
                read_hist(&rest, &out->late_us);
    return well ? ERR_OK : ERR_INVALID;
}
