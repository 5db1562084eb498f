/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/limits.h"
#include "json.h"
#include "mail/address.h"
#include "mail/gravity.h"
#include "trail.h"

/* What the copy of one recipient is, while it is followed. */
struct step {
	const struct ctl_trail_walk *w;
	const json_t *m; /* the message it is in */
	const json_t *r; /* the recipient there */
	unsigned depth;
};

bool
ctl_trail_same(const char *a, const char *b)
{
	struct mt_buf x, y;
	bool same;

	if (a == NULL || b == NULL)
		return false;
	mt_buf_init(&x, MT_MAX_ADDRESS + 1);
	mt_buf_init(&y, MT_MAX_ADDRESS + 1);
	if (!mt_address_key(mt_str(a), &x))
		mt_buf_z(&x, a);
	if (!mt_address_key(mt_str(b), &y))
		mt_buf_z(&y, b);
	same = mt_str_eq_nocase(mt_buf_view(&x), mt_buf_view(&y));
	mt_buf_done(&x);
	mt_buf_done(&y);
	return same;
}

/* Is an attempt or delivery one of this recipient's copy? */
static bool
is_of(const json_t *row, const json_t *r)
{
	const char *orig_to = ctl_json_text(row, "orig_to");

	return ctl_trail_same(
	    orig_to != NULL ? orig_to : ctl_json_text(row, "rcpt"),
	    ctl_json_text(r, "rcpt"));
}

static bool
is_member_of(const json_t *member, const json_t *m)
{
	const json_t *of = json_object_get(member, "of");
	const char *direction = ctl_json_text(member, "direction");

	return json_object_get(member, "perhaps") == NULL &&
	    strcmp(direction, "forward") == 0 &&
	    json_equal(
		json_object_get(of, "born"), json_object_get(m, "born")) &&
	    json_equal(
		json_object_get(of, "host"), json_object_get(m, "host")) &&
	    json_equal(json_object_get(of, "queue_id"),
		json_object_get(m, "queue_id"));
}

/* The message as which a copy of m went on under that id; NULL: not known. */
static const json_t *
next_of(const struct step *s, const char *next)
{
	const json_t *member, *list = json_object_get(s->w->trail, "chain");
	const char *id, *tie;
	size_t i;

	json_array_foreach(list, i, member)
	{
		id = ctl_json_text(member, "queue_id");
		tie = ctl_json_text(member, "tie");
		if (next != NULL && strcmp(id, next) == 0 &&
		    strcmp(tie, mt_words_tie[MT_tie_notification]) != 0 &&
		    is_member_of(member, s->m))
			return member;
	}
	return NULL;
}

static enum mt_status
graver(enum mt_status a, enum mt_status b)
{
	return mt_status_graver(a, b) ? a : b;
}

/*
 * The recipients of the next message that are this copy: those of the same
 * address; or its only one; or all, of what was forwarded.
 */
static enum mt_status
follow_into(const struct step *s, const json_t *member, const char *rcpt)
{
	const json_t *r, *to = json_object_get(member, "to");
	const char *tie = ctl_json_text(member, "tie");
	enum mt_status status = MT_status_absent;
	bool all = json_array_size(to) == 1 ||
	    strcmp(tie, mt_words_tie[MT_tie_forwarded]) == 0;
	size_t i;

	if (s->w->enter != NULL)
		s->w->enter(s->w->arg, member);
	json_array_foreach(to, i, r)
	{
		if (all || ctl_trail_same(ctl_json_text(r, "rcpt"), rcpt) ||
		    ctl_trail_same(
			ctl_json_text(r, "rcpt"), ctl_json_text(s->r, "rcpt")))
			status = graver(status,
			    ctl_trail_follow(s->w, member, r, s->depth + 1));
	}
	return status;
}

/* Show the attempts, and follow each copy where it was sent on. */
static void
show_attempts(const struct step *s)
{
	const json_t *a, *member, *list = json_object_get(s->m, "attempts");
	size_t i;

	json_array_foreach(list, i, a)
	{
		if (!is_of(a, s->r))
			continue;
		if (s->w->attempt != NULL)
			s->w->attempt(s->w->arg, s->r, a);
		member = next_of(s, ctl_json_text(a, "next"));
		if (member != NULL && s->w->attempt != NULL)
			(void)follow_into(s, member, ctl_json_text(a, "rcpt"));
	}
}

/* The same copy queued anew, or given back by a filter, under another id. */
static enum mt_status
follow_anew(const struct step *s)
{
	static const enum mt_tie ties[] = { MT_tie_requeued,
		MT_tie_reinjected };
	const json_t *member, *list = json_object_get(s->w->trail, "chain");
	const json_t *a, *attempts = json_object_get(s->m, "attempts");
	enum mt_status status = MT_status_absent;
	const char *tie, *id, *next;
	size_t i, k;
	bool seen;

	json_array_foreach(list, i, member)
	{
		tie = ctl_json_text(member, "tie");
		id = ctl_json_text(member, "queue_id");
		if ((strcmp(tie, mt_words_tie[ties[0]]) != 0 &&
			strcmp(tie, mt_words_tie[ties[1]]) != 0) ||
		    !is_member_of(member, s->m))
			continue;
		seen = false; /* by an attempt that names it */
		json_array_foreach(attempts, k, a)
		{
			next = ctl_json_text(a, "next");
			seen = seen || (next != NULL && strcmp(next, id) == 0);
		}
		if (!seen)
			status = graver(status, follow_into(s, member, NULL));
	}
	return status;
}

/* What became of it where it went on, else what is known of it here. */
static enum mt_status
end_of(const struct step *s, const json_t *delivery)
{
	const struct ctl_trail_walk quiet = { .trail = s->w->trail };
	struct step at = *s;
	const char *word = ctl_json_text(delivery, "status");
	const json_t *member = next_of(s, ctl_json_text(delivery, "next"));
	enum mt_status status = MT_status_absent;

	at.w = &quiet;
	if (member != NULL)
		status =
		    follow_into(&at, member, ctl_json_text(delivery, "rcpt"));
	if (status != MT_status_absent || word == NULL)
		return status;
	return (enum mt_status)mt_word_find(mt_words_status, mt_str(word));
}

static bool
ends_here(enum mt_status status)
{
	return status != MT_status_absent && status != MT_status_requeued &&
	    status != MT_status_delivered && status != MT_status_unknown;
}

enum mt_status
ctl_trail_follow(const struct ctl_trail_walk *w, const json_t *m,
    const json_t *r, unsigned depth)
{
	const struct step s = { .w = w, .m = m, .r = r, .depth = depth };
	const json_t *d, *list = json_object_get(m, "deliveries");
	const char *word = ctl_json_text(r, "status");
	enum mt_status here, anew, status = MT_status_absent;
	size_t i;

	here = word == NULL
	    ? MT_status_absent
	    : (enum mt_status)mt_word_find(mt_words_status, mt_str(word));
	if (depth > CTL_TRAIL_CHAIN)
		return here;
	show_attempts(&s);
	json_array_foreach(list, i, d)
	{
		if (is_of(d, r))
			status = graver(status, end_of(&s, d));
	}
	if (status == MT_status_absent)
		status = here;
	anew = follow_anew(&s);
	if (anew != MT_status_absent && !ends_here(status))
		status = anew;
	return status;
}

/* A word, or null when it is not known. */
static json_t *
word_of(enum mt_status status)
{
	return status == MT_status_absent
	    ? json_null()
	    : json_string(mt_words_status[status]);
}

void
ctl_trail_finals(json_t *trail)
{
	const struct ctl_trail_walk w = { .trail = trail };
	json_t *r, *list = json_object_get(trail, "to");
	enum mt_status status, all = MT_status_absent;
	const char *word = ctl_json_text(trail, "status");
	size_t i;

	json_array_foreach(list, i, r)
	{
		status = ctl_trail_follow(&w, trail, r, 0);
		all = graver(status, all);
		ctl_json_set(r, "final", word_of(status));
	}
	if (all == MT_status_absent && word != NULL)
		all =
		    (enum mt_status)mt_word_find(mt_words_status, mt_str(word));
	ctl_json_set(trail, "final", word_of(all));
}
