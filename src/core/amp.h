/* What is going to happen to a message, as Advanced Message Processing (XEP-0079 4.3) names it. */
#ifndef RT_AMP_H
#define RT_AMP_H

enum amp_deliver {
    AMP_NONE,   /* nobody gets it */
    AMP_DIRECT, /* a session gets it now */
    AMP_STORED, /* nobody gets it now, but it is kept for the recipient */
};

enum amp_match {
    AMP_NO_RESOURCE,
    AMP_EXACT, /* the one that it is addressed to */
    AMP_OTHER, /* another, or one of several when none is named */
};

/* amp_determine_strategy: acc->event_data, with the message as it is at the recipient's home. Who
 * keeps messages makes AMP_STORED of AMP_NONE. */
struct amp_strategy {
    enum amp_deliver deliver;
    enum amp_match match;
};

#endif
