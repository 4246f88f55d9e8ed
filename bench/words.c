#include "words.h"

/* Words at random, since an archive that compresses finds out whether a text is one. */
void words_write(struct buf *out, size_t len, uint64_t seed)
{
    static const char *const words[] = {
        "the",   "of",   "and",   "to",      "in",    "is",       "you",     "that",
        "it",    "he",   "was",   "for",     "on",    "are",      "as",      "with",
        "his",   "they", "at",    "be",      "this",  "have",     "from",    "or",
        "one",   "had",  "by",    "word",    "but",   "not",      "what",    "all",
        "were",  "we",   "when",  "your",    "can",   "said",     "there",   "use",
        "an",    "each", "which", "she",     "do",    "how",      "their",   "if",
        "will",  "up",   "other", "about",   "out",   "many",     "then",    "them",
        "these", "so",   "some",  "tonight", "would", "tomorrow", "meeting", "station",
    };
    char *at = (char *)buf_reserve(out, len), *end = at + len;
    while (at < end) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        const char *word = words[(seed >> 33) % COUNT_OF(words)];
        while (*word && at < end)
            *at++ = *word++;
        if (at < end)
            *at++ = ' ';
    }
    buf_grow(out, len);
}
