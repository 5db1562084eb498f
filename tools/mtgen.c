/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the documents that are made from the tables: events (events.def),
 * shapes of log lines (shapes.def) or words (words.def), in Markdown. The
 * target "generate" writes them, the test style/generated compares them with
 * what is committed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "event/event.h"
#include "maillog/shape.h"

#define SOME_PROCESSES 10

static void
print_flags(unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {
		{ MT_KEY, "key" },
		{ MT_REQ, "required" },
		{ MT_PII, "personal" },
	};
	const char *gap = "";
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((flags & words[i].flag) == 0)
			continue;
		(void)printf("%s%s", gap, words[i].word);
		gap = ", ";
	}
}

static void
print_type(const struct mt_field *f)
{
	const struct mt_words *set;

	if (f->type == MT_ENUM) {
		for (set = mt_words_all; set->texts != f->words; set++)
			;
		(void)printf("[%s](words.md#%s)", set->name, set->name);
		return;
	}
	(void)printf("%s", mt_type_name(f->type));
	if (f->max > 0)
		(void)printf(" ≤ %" PRIu64, f->max);
}

static void
print_events(void)
{
	unsigned e;
	size_t i;

	(void)printf("# Events\n\n"
		     "Made from `lib/event/events.def`; the wire form is "
		     "described in `lib/event/event.h`.\nThe same names are "
		     "the fields of a Redis stream entry and the columns of "
		     "the table\n`ev_<event>`. Texts are bounded in bytes.\n");
	for (e = 0; e < MT_EV_N; e++) {
		const struct mt_event_desc *d = &mt_events[e];

		(void)printf("\n## %s\n\n%s Version %u.\n\n"
			     "| field | type | flags | what it holds |\n"
			     "|---|---|---|---|\n",
		    d->name, d->doc, d->version);
		for (i = 0; i < d->n; i++) {
			(void)printf("| `%s` | ", d->fields[i].name);
			print_type(&d->fields[i]);
			(void)printf(" | ");
			print_flags(d->fields[i].flags);
			(void)printf(" | %s |\n", d->fields[i].doc);
		}
	}
}

static void
print_words(void)
{
	const struct mt_words *set;
	unsigned i;

	(void)printf("# Words\n\nMade from `lib/base/words.def`: every closed "
		     "set of words that events, options,\nSQL and people "
		     "share.\n");
	for (set = mt_words_all; set->name != NULL; set++) {
		(void)printf("\n## %s\n\nIn short: %s.\n\n"
			     "| word | meaning |\n|---|---|\n",
		    set->name, set->doc);
		for (i = 1; set->texts[i] != NULL; i++)
			(void)printf(
			    "| `%s` | %s |\n", set->texts[i], set->docs[i]);
	}
}

/* The programs of a row; of many, that they are many. */
static void
print_processes(uint64_t processes)
{
	const char *gap = "";
	unsigned i, n = 0;

	for (i = 0; i < MT_PROCESS_N; i++)
		n += (unsigned)(processes >> i & 1);
	if (n > SOME_PROCESSES) {
		(void)printf("%u of Postfix's", n);
		return;
	}
	for (i = 0; i < MT_PROCESS_N; i++)
		if ((processes >> i & 1) != 0) {
			(void)printf(
			    "%s%s", gap, mt_process_name((enum mt_process)i));
			gap = ", ";
		}
}

static void
print_shapes(void)
{
	static const char *const where[] = { "queue id", "", "any" };
	size_t i;

	(void)printf("# Shapes of log lines\n\nMade from "
		     "`lib/maillog/shapes.def`, in the order in which they are "
		     "tried; `*` is any text.\nWhat a row makes is told in "
		     "[maillog.md](maillog.md).\n\n"
		     "| row | programs | behind | text | makes | what it says "
		     "|\n|---|---|---|---|---|---|\n");
	for (i = 0; i < mt_shapes_n; i++) {
		(void)printf("| %s | ", mt_shapes[i].name);
		print_processes(mt_shapes[i].processes);
		(void)printf(" | %s | `%.*s` | %s | %s |\n",
		    where[mt_shapes[i].where], MT_STR_ARG(mt_shapes[i].pattern),
		    mt_shapes[i].reader == NULL ? "" : "event",
		    mt_shapes[i].doc);
	}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "events") == 0)
		print_events();
	else if (argc == 2 && strcmp(argv[1], "words") == 0)
		print_words();
	else if (argc == 2 && strcmp(argv[1], "shapes") == 0)
		print_shapes();
	else {
		(void)fprintf(stderr, "usage: mtgen events | shapes | words\n");
		return EX_USAGE;
	}
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
