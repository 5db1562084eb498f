/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No message of the corpus that a plain reading calls eligible is refused, but
 * for those in which readers other than GMime see something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <gmime/gmime.h>

#include "../lib/mail_corpus.h"
#include "../lib/mail_property.h"
#include "../lib/plain_reading.h"

struct tally {
	unsigned eligible;
	unsigned refused;
};

/* GMime has no doubt about these, but others do. */
static const struct {
	const char *name;
	const char *why;
} disputed[] = {
	{ "bad_subject.eml", "a fold of white space only, above Content-Type" },
	{ "hdr-fold-blank.eml", "the same, with text after it" },
	{ "mp-boundary-in-text.eml", "a text line that begins as a delimiter" },
	{ "msg-bom.eml", "a byte order mark before the first field's name" },
};

static bool
is_disputed(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t i, n, have = strlen(name);

	for (i = 0; i < sizeof(disputed) / sizeof(disputed[0]); i++) {
		n = strlen(disputed[i].name);
		if (have >= n && strcmp(name + have - n, disputed[i].name) == 0)
			return true;
	}
	return false;
}

static void
judge(const struct mail_sample *sample, void *arg)
{
	struct mt_markup_in in =
	    mail_input(sample->text, (struct mt_str){ NULL, 0 });
	bool eligible =
	    plain_reading(sample->text) == NULL && !is_disputed(sample->path);
	struct tally *t = arg;
	struct mt_markup m;

	in.resigned = true;
	mt_markup_make(&in, &m);
	t->eligible += eligible;
	if (eligible && m.reason != MT_reason_done) {
		t->refused++;
		print_message("%s%s: refused as %s\n", sample->path,
		    sample->crlf ? " (CRLF)" : "", mt_words_reason[m.reason]);
	}
	mt_markup_done(&m);
}

static void
walk(const char *dir)
{
	struct tally t = { 0, 0 };

	assert_true(mail_corpus_walk(dir, judge, &t) > 0);
	print_message("%u eligible\n", t.eligible);
	assert_true(t.eligible > 0);
	assert_int_equal(t.refused, 0);
}

static void
of_our_messages_none(void **state)
{
	(void)state;
	walk(MAIL_CORPUS_OWN);
}

static void
of_the_large_corpus_none(void **state)
{
	(void)state;
	if (mail_corpus_large())
		walk(MAIL_CORPUS_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_our_messages_none),
		cmocka_unit_test(of_the_large_corpus_none),
	};
	int failed;

	g_mime_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	g_mime_shutdown();
	return failed;
}
