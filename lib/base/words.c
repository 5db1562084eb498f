/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/words.h"

/* clang-format off */
#define WORDS(set, doc) const char *const mt_words_##set[] = { "",
#define WORD(set, id, text, doc) text,
#define END_WORDS(set) NULL };
#include "base/words.def"
#undef WORDS
#undef WORD
#undef END_WORDS

#define WORDS(set, doc) const char *const mt_words_##set##_docs[] = { doc,
#define WORD(set, id, text, doc) doc,
#define END_WORDS(set) NULL };
#include "base/words.def"
#undef WORDS
#undef WORD
#undef END_WORDS

const struct mt_words mt_words_all[] = {
#define WORDS(set, doc) { #set, doc, mt_words_##set, mt_words_##set##_docs },
#define WORD(set, id, text, doc)
#define END_WORDS(set)
#include "base/words.def"
	{ NULL, NULL, NULL, NULL }
};
/* clang-format on */

unsigned
mt_word_find(const char *const *texts, struct mt_str text)
{
	unsigned i;

	for (i = 1; texts[i] != NULL; i++)
		if (mt_str_eqz(text, texts[i]))
			return i;
	return 0;
}
