/* What the codes of reasons mean; the table is made of the daemon's own rows. */
#ifndef VMRECLAIM_CONTROLLER_CLI_REASON_WORDS_H
#define VMRECLAIM_CONTROLLER_CLI_REASON_WORDS_H

struct reason_word {
    const char *code;
    const char *meaning;
};

/* Ended by a NULL code. */
extern const struct reason_word reason_word_table[];

/* "": a newer daemon's, or none. */
const char *reason_words(const char *code);

#endif
