/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No message of the corpus that a plain reading calls eligible is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gmime/gmime.h>

#include "../lib/mail_corpus.h"
#include "../lib/mail_property.h"
#include "../lib/plain_reading.h"

struct tally {
	unsigned eligible;
	unsigned refused;
};

static void
judge(const struct mail_sample *sample, void *arg)
{
	struct mt_markup_in in =
	    mail_input(sample->text, (struct mt_str){ NULL, 0 });
	bool eligible = plain_reading(sample->text) == NULL;
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
