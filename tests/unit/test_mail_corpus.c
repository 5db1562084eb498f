/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Markup over whole messages, as stored and converted to CRLF, with GMime as
 * the second opinion: it must see the same structure and the same parts before
 * and after, but for one text/html part with one insertion. The messages are
 * tests/data/mime and, when it stands beside the checkout, the large corpus.
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

struct tally {
	unsigned count[MT_reason_end];
	unsigned wrong;
};

static GMimeMessage *
parse(struct mt_str text)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text.p, text.n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

/* What GMime says of a part, without its content. */
static char *
describe(GMimePartIter *iter)
{
	GMimeObject *o = g_mime_part_iter_get_current(iter);
	char *path = g_mime_part_iter_get_path(iter);
	char *headers = g_mime_object_get_headers(o, NULL);
	char *text = g_strdup_printf("%s %s\n%s", path, G_OBJECT_TYPE_NAME(o),
	    headers != NULL ? headers : "");

	g_free(path);
	g_free(headers);
	return text;
}

/* The decoded content of a leaf; empty of anything else. */
static GByteArray *
content(GMimePartIter *iter)
{
	GMimeObject *o = g_mime_part_iter_get_current(iter);
	GMimeStream *out = g_mime_stream_mem_new();
	GByteArray *bytes;
	GMimeDataWrapper *data;

	if (GMIME_IS_PART(o) &&
	    (data = g_mime_part_get_content(GMIME_PART(o))) != NULL)
		(void)g_mime_data_wrapper_write_to_stream(data, out);
	bytes = g_byte_array_ref(
	    g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out)));
	/* The stream frees its array with itself, unless it is not its own. */
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(out), FALSE);
	g_object_unref(out);
	return bytes;
}

static bool
is_insertion(const GByteArray *a, const GByteArray *b)
{
	guint head = 0, tail = 0;

	while (head < a->len && head < b->len && a->data[head] == b->data[head])
		head++;
	while (tail < a->len && tail < b->len &&
	    a->data[a->len - 1 - tail] == b->data[b->len - 1 - tail])
		tail++;
	return b->len > a->len && head + tail >= a->len;
}

static void
drop(GByteArray *a)
{
	g_byte_array_unref(a); /* content's own reference */
	g_byte_array_unref(a); /* the disowned stream's */
}

/* Two iterators at the same place: 0 same, 1 one insertion, -1 else. */
static int
compare_parts(GMimePartIter *a, GMimePartIter *b)
{
	char *da = describe(a), *db = describe(b);
	GByteArray *ca = content(a), *cb = content(b);
	int result = -1;

	if (strcmp(da, db) != 0)
		result = -1;
	else if (ca->len == cb->len &&
	    (ca->len == 0 || memcmp(ca->data, cb->data, ca->len) == 0))
		result = 0;
	else if (is_insertion(ca, cb))
		result = 1;
	g_free(da);
	g_free(db);
	drop(ca);
	drop(cb);
	return result;
}

/* NULL when GMime sees the same message but for so many insertions. */
static const char *
second_opinion(struct mt_str was, struct mt_str is, int insertions)
{
	GMimeMessage *ma = parse(was), *mb = parse(is);
	GMimePartIter *a, *b;
	const char *wrong = NULL;
	int inserted = 0, c;
	bool more_a, more_b;

	if (ma == NULL || mb == NULL)
		return "GMime reads no message";
	a = g_mime_part_iter_new(GMIME_OBJECT(ma));
	b = g_mime_part_iter_new(GMIME_OBJECT(mb));
	more_a = g_mime_part_iter_is_valid(a);
	more_b = g_mime_part_iter_is_valid(b);
	while (wrong == NULL && more_a && more_b) {
		if ((c = compare_parts(a, b)) < 0)
			wrong = "GMime sees another part";
		inserted += c;
		more_a = g_mime_part_iter_next(a);
		more_b = g_mime_part_iter_next(b);
	}
	if (wrong == NULL && more_a != more_b)
		wrong = "GMime sees another structure";
	if (wrong == NULL && inserted != insertions)
		wrong = "GMime sees more or fewer insertions";
	g_mime_part_iter_free(a);
	g_mime_part_iter_free(b);
	g_object_unref(ma);
	g_object_unref(mb);
	return wrong;
}

static const char *
judge_with(const struct mail_sample *sample, struct mt_str notice,
    enum mt_reason *ret_reason)
{
	struct mt_markup_in in = mail_input(sample->text, notice);
	struct mt_markup m;
	struct mt_buf out;
	const char *wrong;

	in.resigned = true;
	mt_markup_make(&in, &m);
	*ret_reason = m.reason;
	wrong = mail_property(&in, &m);
	if (wrong == NULL && m.reason == MT_reason_done) {
		mt_buf_init(&out, 3 * sample->text.n + 65536);
		mt_markup_apply(&m, &in, &out);
		wrong = second_opinion(
		    sample->text, mt_buf_view(&out), 1 + m.noticed_plain);
		mt_buf_done(&out);
	}
	mt_markup_done(&m);
	return wrong;
}

/* None, one in ASCII, one in other letters. */
static const char *const notices[] = { NULL,
	"This message tells its sender when it is opened.\n"
	"- Ask us about it: <https://example.org/?a=b&c>",
	"Le message dit \303\240 l\342\200\231exp\303\251diteur quand il est "
	"ouvert. \343\201\212\347\237\245\343\202\211\343\201\233" };

static void
judge(const struct mail_sample *sample, void *arg)
{
	struct tally *t = arg;
	enum mt_reason reason;
	const char *wrong;
	size_t i;

	for (i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
		wrong = judge_with(sample, mt_str(notices[i]), &reason);
		if (wrong != NULL) {
			print_message("%s%s, notice %zu: %s\n", sample->path,
			    sample->crlf ? " (CRLF)" : "", i, wrong);
			t->wrong++;
		}
	}
	t->count[reason]++;
}

static void
walk(const char *dir)
{
	struct tally t = { .wrong = 0 };
	unsigned i;

	(void)mail_corpus_walk(dir, judge, &t);
	for (i = 1; i < MT_reason_end; i++)
		if (t.count[i] > 0)
			print_message(
			    "%6u %s\n", t.count[i], mt_words_reason[i]);
	assert_true(t.count[MT_reason_done] > 0);
	assert_int_equal(t.wrong, 0);
}

static void
our_messages_keep_their_structure(void **state)
{
	(void)state;
	walk(MAIL_CORPUS_OWN);
}

static void
the_large_corpus_keeps_its_structure(void **state)
{
	(void)state;
	if (mail_corpus_large())
		walk(MAIL_CORPUS_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_messages_keep_their_structure),
		cmocka_unit_test(the_large_corpus_keeps_its_structure),
	};
	int failed;

	g_mime_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	g_mime_shutdown();
	return failed;
}
