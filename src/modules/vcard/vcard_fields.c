#include "vcard_fields.h"

const struct vcard_simple vcard_simple[] = {
    {"FN", "fn", "text"},        {"NICKNAME", "nickname", "text"}, {"BDAY", "bday", "date"},
    {"URL", "url", "uri"},       {"TITLE", "title", "text"},       {"ROLE", "role", "text"},
    {"DESC", "note", "text"},    {"NOTE", "note", "text"},         {"UID", "uid", "uri"},
    {"JABBERID", "impp", "uri"}, {"REV", "rev", "timestamp"},      {"TZ", "tz", "text"},
    {NULL, NULL, NULL},
};

static const struct vcard_part name_parts[] = {{"FAMILY", "surname"},    {"GIVEN", "given"},
                                               {"MIDDLE", "additional"}, {"PREFIX", "prefix"},
                                               {"SUFFIX", "suffix"},     {NULL, NULL}};

static const struct vcard_part address_parts[] = {
    {"POBOX", "pobox"},   {"EXTADD", "ext"}, {"STREET", "street"}, {"LOCALITY", "locality"},
    {"REGION", "region"}, {"PCODE", "code"}, {"CTRY", "country"},  {NULL, NULL}};

static const struct vcard_part org_parts[] = {
    {"ORGNAME", "text"}, {"ORGUNIT", "text"}, {NULL, NULL}};
static const struct vcard_part mail_parts[] = {{"USERID", "text"}, {NULL, NULL}};
static const struct vcard_part tel_parts[] = {{"NUMBER", "text"}, {NULL, NULL}};

const struct vcard_structured vcard_structured[] = {
    {"N", "n", name_parts, true},     {"ADR", "adr", address_parts, true},
    {"ORG", "org", org_parts, false}, {"EMAIL", "email", mail_parts, false},
    {"TEL", "tel", tel_parts, false}, {NULL, NULL, NULL, false},
};

const struct vcard_part vcard_types[] = {{"HOME", "home"},   {"WORK", "work"}, {"VOICE", "voice"},
                                         {"FAX", "fax"},     {"CELL", "cell"}, {"PAGER", "pager"},
                                         {"VIDEO", "video"}, {"MSG", "text"},  {NULL, NULL}};
