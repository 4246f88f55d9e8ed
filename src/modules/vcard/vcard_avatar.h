/* The photo of a vCard: its hash in presence (XEP-0153), and its double among items (XEP-0398). */
#ifndef RT_VCARD_AVATAR_H
#define RT_VCARD_AVATAR_H

#include "vcard.h"

/* Of user_send_presence, and of pep_published. */
hook_fn vcard_on_presence, vcard_on_published;

/* The SHA-1 of the photo, in hex; empty: there is none inside the card. */
struct str vcard_photo_hash(struct arena *arena, const struct element *card);

/* The owner has another photo: his sessions that are available say so. */
void vcard_photo_changed(const struct jid *owner, struct str hash);

/* Publishes the photo of a card that the accumulator's sender has set. */
void vcard_publish_photo(const struct acc *acc, const struct element *card, struct str hash);

#endif
