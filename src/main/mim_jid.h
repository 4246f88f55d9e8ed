/* JIDs as MongooseIM's archive has them (mod_mam, db_jid_format). Any thread. */
#ifndef RT_MIM_JID_H
#define RT_MIM_JID_H

#include "jid.h"

/* Whole JIDs (mam_jid_rfc), or relative to the owner of the archive (mam_jid_mini). */
enum mim_format { MIM_WHOLE, MIM_RELATIVE };

/* Reads one. ERR_INVALID: it is none. */
RT_NODISCARD enum err mim_jid_read(struct arena *arena, enum mim_format format,
                                   const struct jid *owner, struct str text, struct jid *out);

/* How a bare JID stands in the owner's archive. */
struct str mim_jid_write(struct arena *arena, enum mim_format format, const struct jid *owner,
                         const struct jid *bare);

/* In which format the source of a message that the owner sent stands. */
enum mim_format mim_jid_format(const struct jid *owner, struct str source);

#endif
