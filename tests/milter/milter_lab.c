/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a dialogue with the milter needs beside miltertest(8):
 *
 *     milter_lab make DIR    a key file and a policy snapshot
 *     milter_lab events DIR  the events in DIR/spool, one a line
 *
 * An event's line is its name and its fields as name=value; times and the host
 * are left out, since they differ from run to run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/event.h"
#include "policy/snapshot.h"
#include "spool/reader.h"
#include "token/keys.h"

#define PATH 512
#define LIT(s) \
	{ \
		(s), sizeof(s) - 1 \
	}

static const struct mt_policy_rule rules[] = {
	{ .scope = MT_scope_domain,
	    .subject = LIT("example.org"),
	    .kind = MT_kind_set,
	    .mode = MT_mode_identified },
	{ .scope = MT_scope_mailbox,
	    .subject = LIT("carl@example.org"),
	    .kind = MT_kind_at_most,
	    .mode = MT_mode_anonymous,
	    .notice = LIT("Carl sees that you read."),
	    .pixel_url = LIT("https://carl.example/p/") },
	{ .scope = MT_scope_mailbox,
	    .subject = LIT("dora@example.org"),
	    .kind = MT_kind_set,
	    .mode = MT_mode_identified,
	    .notice = LIT("Dora sees that you read."),
	    .notice_plain = MT_answer_yes,
	    .quoted = MT_quotes_leave },
	{ .scope = MT_scope_domain,
	    .subject = LIT("ask.example"),
	    .kind = MT_kind_on_request,
	    .mode = MT_mode_pseudonymous },
	{ .scope = MT_scope_recipient,
	    .subject = LIT("@anon.example"),
	    .kind = MT_kind_at_most,
	    .mode = MT_mode_anonymous },
};

static const struct mt_policy_consent consents[] = {
	{ LIT("never@example.com"), MT_consent_denied },
};

static int
fail(const struct mt_err *err)
{
	(void)fprintf(stderr, "milter_lab: %s\n", err->msg);
	return 1;
}

static int
make(const char *dir)
{
	const struct mt_policy_source source = { .rules = rules,
		.rules_n = sizeof(rules) / sizeof(rules[0]),
		.consents = consents,
		.consents_n = sizeof(consents) / sizeof(consents[0]) };
	char path[PATH];
	struct mt_err err;

	(void)snprintf(path, sizeof(path), "%s/token.keys", dir);
	if (mt_keys_create(path, mt_clock_now(), &err) != MT_OK)
		return fail(&err);
	(void)snprintf(path, sizeof(path), "%s/policy.snapshot", dir);
	if (mt_policy_write(path, &source, &err) != MT_OK)
		return fail(&err);
	return 0;
}

static void
print_event(struct mt_str payload)
{
	struct mt_pair pairs[MT_EVENT_PAIRS];
	struct mt_err err;
	size_t i, n = 0;

	if (mt_event_split(payload, pairs, MT_EVENT_PAIRS, &n, &err) != MT_OK) {
		(void)printf("damaged: %s\n", err.msg);
		return;
	}
	(void)printf("%.*s", MT_STR_ARG(pairs[1].value));
	for (i = 2; i < n; i++)
		if (!mt_str_eqz(pairs[i].name, "at") &&
		    !mt_str_eqz(pairs[i].name, "host"))
			(void)printf(" %.*s=%.*s", MT_STR_ARG(pairs[i].name),
			    MT_STR_ARG(pairs[i].value));
	(void)printf("\n");
}

static int
print_segment(int dir_fd, const char *name)
{
	struct mt_reader *reader = NULL;
	struct mt_record record;
	struct mt_err err;
	int fd;

	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		(void)mt_fail_sys(&err, "%s", name);
		return fail(&err);
	}
	if (mt_reader_take(fd, 0, &reader, &err) != MT_OK)
		return fail(&err);
	while (mt_reader_next(reader, &record, &err) == MT_OK)
		print_event(record.payload);
	mt_reader_close(reader);
	return 0;
}

static int
only_segments(const struct dirent *entry)
{
	return strstr(entry->d_name, ".seg") != NULL;
}

static int
events(const char *dir)
{
	struct dirent **names = NULL;
	char path[PATH];
	int dir_fd, n, i, rc = 0;

	(void)snprintf(path, sizeof(path), "%s/spool", dir);
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return errno == ENOENT ? 0 : 1;
	n = scandir(path, &names, only_segments, alphasort);
	for (i = 0; i < n; i++) {
		rc |= print_segment(dir_fd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	(void)close(dir_fd);
	return rc;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2]);
	if (argc == 3 && strcmp(argv[1], "events") == 0)
		return events(argv[2]);
	(void)fprintf(stderr, "usage: milter_lab make|events DIR\n");
	return 64;
}
