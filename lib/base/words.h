/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The closed word sets of words.def: for each set an enum whose members start
 * at 1 (0 is absent) and a table of texts, indexed by the enum, whose [0] is
 * "" and whose end is NULL.
 */
#ifndef MT_BASE_WORDS_H
#define MT_BASE_WORDS_H

#include "base/str.h"

/* clang-format off */
#define WORDS(set, doc) enum mt_##set { MT_##set##_absent = 0,
#define WORD(set, id, text, doc) MT_##set##_##id,
#define END_WORDS(set) MT_##set##_end };
#include "base/words.def"
#undef WORDS
#undef WORD
#undef END_WORDS

#define WORDS(set, doc) \
	extern const char *const mt_words_##set[]; \
	extern const char *const mt_words_##set##_docs[];
#define WORD(set, id, text, doc)
#define END_WORDS(set)
#include "base/words.def"
#undef WORDS
#undef WORD
#undef END_WORDS
/* clang-format on */

/* Every set, for documents and tests; ends with a NULL name. */
struct mt_words {
	const char *name;
	const char *doc;
	const char *const *texts;
	const char *const *docs;
};
extern const struct mt_words mt_words_all[];

/* The index of a text in a table, 0 when it is none of them. */
unsigned mt_word_find(const char *const *texts, struct mt_str text);

#endif
