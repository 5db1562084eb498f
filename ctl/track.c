/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connect.h"
#include "ctl.h"
#include "json.h"
#include "rules.h"
#include "text.h"
#include "track.h"

/* What set and unset are about: a rule, or a recipient's consent. */
struct subject {
	bool consent;
	enum mt_scope scope;
	struct mt_buf key;
	size_t used; /* arguments */
};

static enum mt_rc
read_subject(struct ctl *c, const struct ctl_args *a, struct subject *ret_s,
    struct mt_err *err)
{
	struct subject s = { .consent = strcmp(a->argv[0], "consent") == 0 };

	s.scope = mt_word_find(mt_words_scope, mt_str(a->argv[0]));
	if (!s.consent && s.scope == MT_scope_absent)
		return ctl_usage(c, err,
		    "%s is none of global, domain, mailbox, recipient, "
		    "consent",
		    mt_quotez(a->argv[0]).s);
	mt_buf_init(&s.key, MT_MAX_ADDRESS);
	s.used = 1;
	if (s.scope == MT_scope_global) {
		mt_buf_c(&s.key, '*');
		/* "track set global * off" is understood, too. */
		s.used += a->n > 1 && strcmp(a->argv[1], "*") == 0;
	} else if (a->n > 1) {
		ctl_rule_subject(s.scope, mt_str(a->argv[1]), &s.key);
		s.used = 2;
	}
	if (s.key.n == 0 || mt_buf_over(&s.key)) {
		mt_buf_done(&s.key);
		return ctl_usage(c, err,
		    "whose? A subject of 1 to %d bytes "
		    "must follow '%s'",
		    MT_MAX_ADDRESS, a->argv[0]);
	}
	*ret_s = s;
	return MT_OK;
}

/* The snapshot's builder knows what is allowed: ask it before we write. */
static enum mt_rc
check(struct ctl *c, const struct mt_policy_rule *rule,
    const struct mt_policy_consent *consent, struct mt_err *err)
{
	struct mt_policy_source source = {
		.rules = rule,
		.rules_n = rule != NULL,
		.consents = consent,
		.consents_n = consent != NULL,
	};
	struct mt_err why;
	struct mt_buf out;
	enum mt_rc rc;

	mt_buf_init(&out, MT_MAX_POLICY);
	rc = mt_policy_build(&source, &out, &why);
	mt_buf_done(&out);
	return rc == MT_OK ? MT_OK : ctl_usage(c, err, "%s", why.msg);
}

/* A change of the tables, and the new snapshot. */
struct change {
	const struct subject *subject;
	const struct mt_policy_rule *rule; /* to set */
	enum mt_consent consent; /* to set */
	struct mt_str note;
	bool changed;
};

static enum mt_rc
write_tables(struct mt_db *db, struct change *change, struct mt_err *err)
{
	const struct subject *s = change->subject;
	struct mt_str key = mt_buf_view(&s->key);

	change->changed = true;
	if (change->rule != NULL)
		return ctl_rule_set(db, change->rule, err);
	if (change->consent != MT_consent_absent)
		return ctl_consent_set(
		    db, key, change->consent, change->note, err);
	if (s->consent)
		return ctl_consent_unset(db, key, &change->changed, err);
	return ctl_rule_unset(db, s->scope, key, &change->changed, err);
}

static enum mt_rc
make_change(struct ctl *c, struct change *change, struct mt_err *err)
{
	struct mt_db *db = NULL;
	size_t n = 0;
	enum mt_rc rc;

	if ((rc = ctl_db_open(c->o, &db, err)) != MT_OK)
		return rc;
	if ((rc = ctl_rules_lock(db, err)) != MT_OK) {
		mt_db_close(db);
		return rc;
	}
	rc = write_tables(db, change, err);
	if (rc == MT_OK) {
		rc = ctl_rules_snapshot(c->o, db, &n, err);
		if (rc != MT_OK)
			mt_err_in(err,
			    "stored in MariaDB, but mailtrail-milter goes by "
			    "the old snapshot");
	}
	ctl_rules_unlock(db);
	mt_db_close(db);
	return rc;
}

static enum mt_rc
read_kind(struct ctl *c, const struct ctl_args *a, enum mt_kind *ret_kind,
    struct mt_err *err)
{
	if (ctl_given(a, "at-most") && ctl_given(a, "on-request"))
		return ctl_usage(
		    c, err, "--at-most and --on-request exclude each other");
	*ret_kind = ctl_given(a, "at-most") ? MT_kind_at_most
	    : ctl_given(a, "on-request")    ? MT_kind_on_request
					    : MT_kind_set;
	return MT_OK;
}

/* The word of an option, 0 when it was not given. */
static enum mt_rc
read_word(struct ctl *c, const struct ctl_args *a, const char *name,
    const char *const *words, unsigned *ret_word, struct mt_err *err)
{
	const char *word = ctl_value(a, name);

	*ret_word = mt_word_find(words, mt_str(word));
	if (word == NULL || *ret_word > 0)
		return MT_OK;
	return ctl_usage(c, err, "--%s: %s is neither %s nor %s", name,
	    mt_quotez(word).s, words[1], words[2]);
}

static enum mt_rc
read_words(struct ctl *c, const struct ctl_args *a, struct mt_policy_rule *rule,
    struct mt_err *err)
{
	unsigned plain = 0, quoted = 0;

	if (read_kind(c, a, &rule->kind, err) != MT_OK ||
	    read_word(c, a, "notice-plain", mt_words_answer, &plain, err) !=
		MT_OK ||
	    read_word(c, a, "quoted", mt_words_quotes, &quoted, err) != MT_OK)
		return MT_CONFIG;
	rule->notice_plain = plain;
	rule->quoted = quoted;
	return MT_OK;
}

static enum mt_rc
set_rule(struct ctl *c, const struct ctl_args *a, struct subject *s,
    const char *word, struct mt_err *err)
{
	struct mt_policy_rule rule = {
		.scope = s->scope,
		.subject = mt_buf_view(&s->key),
		.mode = mt_word_find(mt_words_mode, mt_str(word)),
		.notice = mt_str(ctl_value(a, "notice")),
		.pixel_url = mt_str(ctl_value(a, "pixel-url")),
	};
	struct change change = { .subject = s, .rule = &rule };
	struct mt_buf clean;
	enum mt_rc rc;

	if (rule.mode == MT_mode_absent)
		return ctl_usage(c, err,
		    "%s is none of off, anonymous, pseudonymous, identified",
		    mt_quotez(word).s);
	if (rule.notice.n > MT_MAX_TEXT || rule.pixel_url.n > MT_MAX_TEXT)
		return ctl_usage(c, err,
		    "--notice and --pixel-url take at most %d bytes",
		    MT_MAX_TEXT);
	if ((rc = read_words(c, a, &rule, err)) != MT_OK ||
	    (rc = check(c, &rule, NULL, err)) != MT_OK ||
	    (rc = make_change(c, &change, err)) != MT_OK)
		return rc;
	mt_buf_init(&clean, 4 * MT_MAX_ADDRESS);
	ctl_clean(rule.subject, &clean);
	(void)printf("%s %s: %s %s\n", mt_words_scope[s->scope], clean.p,
	    mt_words_kind[rule.kind], mt_words_mode[rule.mode]);
	mt_buf_done(&clean);
	return MT_OK;
}

static enum mt_rc
set_consent(struct ctl *c, const struct ctl_args *a, struct subject *s,
    const char *word, struct mt_err *err)
{
	struct mt_policy_consent consent = {
		.subject = mt_buf_view(&s->key),
		.state = mt_word_find(mt_words_consent, mt_str(word)),
	};
	struct change change = { .subject = s,
		.consent = consent.state,
		.note = mt_str(ctl_value(a, "note")) };
	enum mt_rc rc;

	if (consent.state == MT_consent_absent)
		return ctl_usage(
		    c, err, "%s is none of granted, denied", mt_quotez(word).s);
	if (change.note.n > MT_MAX_TEXT || !mt_utf8_clean(change.note))
		return ctl_usage(c, err,
		    "--note: not UTF-8 of at most %d bytes", MT_MAX_TEXT);
	if (!mt_str_starts(consent.subject, "@") &&
	    memchr(consent.subject.p, '@', consent.subject.n) == NULL)
		return ctl_usage(c, err,
		    "%s is neither an address nor an @domain",
		    mt_quote(consent.subject).s);
	if ((rc = check(c, NULL, &consent, err)) != MT_OK ||
	    (rc = make_change(c, &change, err)) != MT_OK)
		return rc;
	(void)printf("consent %s: %s\n", mt_quote(consent.subject).s, word);
	return MT_OK;
}

static enum mt_rc
run_set(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct subject s;
	enum mt_rc rc;

	if ((rc = read_subject(c, a, &s, err)) != MT_OK)
		return rc;
	if (a->n != s.used + 1)
		rc = ctl_usage(c, err,
		    s.consent ? "granted or denied must follow the address"
			      : "one mode must follow the subject");
	else if (s.consent)
		rc = set_consent(c, a, &s, a->argv[s.used], err);
	else
		rc = set_rule(c, a, &s, a->argv[s.used], err);
	mt_buf_done(&s.key);
	return rc;
}

static enum mt_rc
run_unset(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct subject s;
	struct change change = { .subject = &s };
	enum mt_rc rc;

	if ((rc = read_subject(c, a, &s, err)) != MT_OK)
		return rc;
	if (a->n != s.used)
		rc = ctl_usage(c, err, "unexpected argument %s",
		    mt_quotez(a->argv[s.used]).s);
	else
		rc = make_change(c, &change, err);
	if (rc == MT_OK && !change.changed)
		rc = mt_fail(err, MT_ABSENT, "there is no %s %s of %s",
		    a->argv[0], s.consent ? "statement" : "rule",
		    mt_quote(mt_buf_view(&s.key)).s);
	else if (rc == MT_OK)
		(void)printf("%s %s: no more\n", a->argv[0],
		    mt_quote(mt_buf_view(&s.key)).s);
	mt_buf_done(&s.key);
	return rc;
}

static enum mt_rc
run_build(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct mt_db *db = NULL;
	size_t n = 0;
	enum mt_rc rc;

	(void)a;
	if ((rc = ctl_db_open(c->o, &db, err)) != MT_OK)
		return rc;
	rc = ctl_rules_lock(db, err);
	if (rc == MT_OK) {
		rc = ctl_rules_snapshot(c->o, db, &n, err);
		ctl_rules_unlock(db);
	}
	if (rc == MT_OK)
		(void)printf("%.*s: %zu rules and consents\n",
		    MT_STR_ARG(c->o->policy_snapshot), n);
	mt_db_close(db);
	return rc;
}

static const struct ctl_opt set_opts[] = {
	{ "at-most", '\0', NULL,
	    "allow no more than the mode, without turning tracking on" },
	{ "on-request", '\0', NULL,
	    "only for messages that ask with X-Mailtrail-Open" },
	{ "notice", '\0', "TEXT",
	    "text for recipients, before the pixel; empty: none" },
	{ "notice-plain", '\0', "yes|no",
	    "put the notice into the plain text beside the HTML, too" },
	{ "quoted", '\0', "leave|remove",
	    "what becomes of pixels of ours in what the message quotes" },
	{ "pixel-url", '\0', "URL", "base of pixel addresses" },
	{ "note", '\0', "TEXT",
	    "of a consent: the words agreed to, or why it is known" },
	{ NULL, '\0', NULL, NULL },
};

static const struct ctl_cmd track_set = {
	.name = "set",
	.args = "global MODE | domain DOMAIN MODE | mailbox ADDRESS MODE | "
		"recipient ADDRESS MODE | consent ADDRESS granted|denied",
	.does = "set a rule, or what a recipient said",
	.more = "MODE is off, anonymous, pseudonymous or identified. The "
		"most restrictive of all levels holds, and nothing is "
		"tracked where no rule turned it on. A mailbox is an "
		"envelope sender (mailbox or alias) or a login; for "
		"mailboxes, recipients and consents @DOMAIN stands for all "
		"of a domain, and * for all. What a rule does not say "
		"of notice, quoted pixels and URL is as the level above has "
		"it. A recipients' rule says nothing of them but a notice, "
		"which replaces the sender's in messages all of whose "
		"recipients have the same: a translation (docs/notices.md). "
		"The rule replaces an earlier one of the same subject, notice "
		"and URL included. Then the policy snapshot is written anew.",
	.opts = set_opts,
	.min = 1,
	.max = 3,
	.conf = true,
	.run = run_set,
};
static const struct ctl_cmd track_unset = {
	.name = "unset",
	.args = "global | domain DOMAIN | mailbox ADDRESS | "
		"recipient ADDRESS | consent ADDRESS",
	.does = "remove a rule, or what a recipient said",
	.min = 1,
	.max = 2,
	.conf = true,
	.run = run_unset,
};
static const struct ctl_cmd track_build = {
	.name = "build",
	.does = "write the policy snapshot from MariaDB",
	.more = "set and unset do so on the host they run on; other mail "
		"hosts need it after a change.",
	.conf = true,
	.run = run_build,
};
static const struct ctl_cmd *const subs[] = { &ctl_track_show, &track_set,
	&track_unset, &ctl_track_explain, &track_build, NULL };

const struct ctl_cmd ctl_track = {
	.name = "track",
	.does = "say who may be tracked, and see why",
	.subs = subs,
};
