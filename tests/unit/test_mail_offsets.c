/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the leaf begins and ends, by two other readers: the part trees with
 * byte offsets that stalwartlabs/mail-parser publishes for its own messages
 * (<name>.expected.json), and GMime over the whole corpus. Wherever we find a
 * leaf, each of them must have an HTML part of exactly these bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gmime/gmime.h>
#include <jansson.h>

#include "../lib/mail_corpus.h"
#include "../lib/mail_property.h"
#include "mail/mime.h"

struct tally {
	unsigned leaves; /* compared */
	unsigned wrong;
};

/* In bytes from the start of the message. */
struct span {
	size_t at;
	size_t end;
};

static bool
find_leaf(struct mt_str message, struct span *ret_span)
{
	struct mt_markup_in in =
	    mail_input(message, (struct mt_str){ NULL, 0 });
	struct mt_leaf leaf;

	if (mt_mime_find(in.head, in.body, &leaf) != MT_reason_done)
		return false;
	ret_span->at = in.head.n + leaf.at;
	ret_span->end = in.head.n + leaf.end;
	return true;
}

static void
wrong(struct tally *t, const struct mail_sample *sample, struct span leaf,
    const char *who)
{
	t->wrong++;
	print_message("%s%s: %s has no HTML part at %zu to %zu\n", sample->path,
	    sample->crlf ? " (CRLF)" : "", who, leaf.at, leaf.end);
}

/* An offset as it would be if all lines ended in LF. */
static size_t
with_lf(struct mt_str s, size_t at)
{
	size_t i, n = 0;

	for (i = 0; i < at && i + 1 < s.n; i++)
		n += s.p[i] == '\r' && s.p[i + 1] == '\n';
	return at - n;
}

static bool
expects(json_t *tree, struct span leaf)
{
	json_t *part;
	size_t i;

	json_array_foreach(json_object_get(tree, "parts"), i, part)
	{
		if (json_object_get(json_object_get(part, "body"), "Html") ==
		    NULL)
			continue;
		if ((size_t)json_integer_value(
			json_object_get(part, "offset_body")) == leaf.at &&
		    (size_t)json_integer_value(
			json_object_get(part, "offset_end")) == leaf.end)
			return true;
	}
	return false;
}

/* The tree published for this message; NULL when there is none. */
static json_t *
read_tree(const char *path)
{
	char name[4096];
	const char *dot = strrchr(path, '.');
	json_error_t error;
	json_t *tree;

	if (dot == NULL)
		return NULL;
	(void)snprintf(
	    name, sizeof(name), "%.*s.expected.json", (int)(dot - path), path);
	if (access(name, R_OK) != 0)
		return NULL;
	tree = json_load_file(name, JSON_ALLOW_NUL, &error);
	if (tree == NULL)
		print_message("%s:%d: %s\n", name, error.line, error.text);
	assert_non_null(tree);
	return tree;
}

static void
compare_published(const struct mail_sample *sample, void *arg)
{
	json_t *tree = read_tree(sample->path);
	struct tally *t = arg;
	struct span leaf;

	if (tree == NULL)
		return;
	if (find_leaf(sample->text, &leaf)) {
		/* The trees were made of messages with LF. */
		leaf.at = with_lf(sample->text, leaf.at);
		leaf.end = with_lf(sample->text, leaf.end);
		t->leaves++;
		if (!expects(tree, leaf))
			wrong(t, sample, leaf, "the published tree");
	}
	json_decref(tree);
}

/*
 * GMime keeps a part's content as a stretch of the message's stream. In front
 * of a close delimiter that the message ends with, without a line end, it
 * counts the CR of the CRLF there to the content.
 */
static bool
is_html_at(GMimeObject *o, struct mt_str text, struct span leaf)
{
	GMimeDataWrapper *data;
	GMimeStream *s;
	size_t end;

	if (!GMIME_IS_PART(o) ||
	    !g_mime_content_type_is_type(
		g_mime_object_get_content_type(o), "text", "html"))
		return false;
	data = g_mime_part_get_content(GMIME_PART(o));
	s = data != NULL ? g_mime_data_wrapper_get_stream(data) : NULL;
	if (s == NULL || s->bound_start != (gint64)leaf.at)
		return false;
	end = s->bound_end == -1 ? text.n : (size_t)s->bound_end;
	return end == leaf.end ||
	    (end == leaf.end + 1 && text.p[leaf.end] == '\r' &&
		text.p[text.n - 1] == '-');
}

static bool
gmime_has(struct mt_str text, struct span leaf)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text.p, text.n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	GMimePartIter *iter;
	bool has = false;

	if (message != NULL) {
		iter = g_mime_part_iter_new(GMIME_OBJECT(message));
		do
			has = g_mime_part_iter_is_valid(iter) &&
			    is_html_at(
				g_mime_part_iter_get_current(iter), text, leaf);
		while (!has && g_mime_part_iter_next(iter));
		g_mime_part_iter_free(iter);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	return has;
}

static void
compare_gmime(const struct mail_sample *sample, void *arg)
{
	struct tally *t = arg;
	struct span leaf;

	if (!find_leaf(sample->text, &leaf) || leaf.at == leaf.end)
		return;
	t->leaves++;
	if (!gmime_has(sample->text, leaf))
		wrong(t, sample, leaf, "GMime");
}

static void
walk(const char *dir, mail_visitor *compare, const char *who)
{
	struct tally t = { 0, 0 };

	(void)mail_corpus_walk(dir, compare, &t);
	print_message("%s: %u leaves compared with %s\n", dir, t.leaves, who);
	assert_true(t.leaves > 0);
	assert_int_equal(t.wrong, 0);
}

static void
leaves_are_where_published_trees_have_them(void **state)
{
	(void)state;
	walk(MAIL_CORPUS_OWN, compare_published, "published trees");
	if (mail_corpus_large())
		walk(MAIL_CORPUS_LARGE, compare_published, "published trees");
}

static void
leaves_are_where_gmime_has_them(void **state)
{
	(void)state;
	walk(MAIL_CORPUS_OWN, compare_gmime, "GMime");
	if (mail_corpus_large())
		walk(MAIL_CORPUS_LARGE, compare_gmime, "GMime");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_are_where_published_trees_have_them),
		cmocka_unit_test(leaves_are_where_gmime_has_them),
	};
	int failed;

	g_mime_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	g_mime_shutdown();
	return failed;
}
