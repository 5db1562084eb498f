/* SPDX-License-Identifier: BSD-2-Clause */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/address.h"
#include "rules.h"

#define LOCK "mailtrail.policy"
#define LOCK_SECONDS 10

void
ctl_rule_subject(enum mt_scope scope, struct mt_str text, struct mt_buf *out)
{
	size_t i, n = out->n;

	text = mt_str_trim(text);
	if (scope == MT_scope_domain) {
		mt_domain_key(text, out);
		return;
	}
	if (text.n > 0 && text.p[0] == '@') {
		mt_buf_c(out, '@');
		mt_domain_key(mt_str_n(text.p + 1, text.n - 1), out);
		return;
	}
	if (mt_address_key(text, out) && memchr(out->p + n, '@', out->n - n))
		return;
	/* A login, "*", or nothing of the kind: the snapshot's builder says. */
	out->n = n;
	for (i = 0; i < text.n; i++)
		mt_buf_c(out, mt_lower(text.p[i]));
}

enum mt_rc
ctl_rules_lock(struct mt_db *db, struct mt_err *err)
{
	enum mt_rc rc = mt_db_lock(db, LOCK, LOCK_SECONDS, err);

	if (rc == MT_AGAIN)
		mt_err_in(err, "another change of the policy");
	return rc;
}

void
ctl_rules_unlock(struct mt_db *db)
{
	mt_db_unlock(db, LOCK);
}

void
ctl_rules_done(struct ctl_rules *r)
{
	size_t i;

	for (i = 0; i < r->rules_n; i++) {
		mt_free(mt_unconst(r->rules[i].subject.p));
		mt_free(mt_unconst(r->rules[i].notice.p));
		mt_free(mt_unconst(r->rules[i].pixel_url.p));
	}
	for (i = 0; i < r->consents_n; i++)
		mt_free(mt_unconst(r->consents[i].subject.p));
	mt_free(r->rules);
	mt_free(r->consents);
	*r = (struct ctl_rules){ .rules_n = 0 };
}

static struct mt_str
keep(struct mt_str s)
{
	return s.p == NULL ? s : mt_str_n(mt_str_dup(s), s.n);
}

static unsigned
word_at(const struct mt_rows *rows, size_t column, const char *const *words)
{
	return mt_word_find(words, mt_rows_text(rows, column));
}

/* As word_at; a text that is no such word is `none`, for the builder to say. */
static unsigned
word_or_none(const struct mt_rows *rows, size_t column,
    const char *const *words, unsigned none)
{
	unsigned word = word_at(rows, column, words);

	return word == 0 && mt_rows_text(rows, column).p != NULL ? none : word;
}

/* Room for one more at the end of an array that doubles. */
static void *
room(void *array, size_t n, size_t size)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return array;
	return mt_realloc_array(array, n == 0 ? 1 : 2 * n, size);
}

static enum mt_rc
load_rules(struct mt_db *db, struct ctl_rules *r, struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;

	rc = mt_rows_open(db,
	    "SELECT scope, subject, kind, mode, notice, pixel_url, "
	    "notice_plain, quoted FROM policy_rule ORDER BY scope, subject",
	    NULL, 0, &rows, err);
	if (rc != MT_OK)
		return rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		r->rules = room(r->rules, r->rules_n, sizeof(*r->rules));
		r->rules[r->rules_n++] = (struct mt_policy_rule){
			.scope = word_at(rows, 0, mt_words_scope),
			.subject = keep(mt_rows_text(rows, 1)),
			.kind = word_at(rows, 2, mt_words_kind),
			.mode = word_at(rows, 3, mt_words_mode),
			.notice = keep(mt_rows_text(rows, 4)),
			.pixel_url = keep(mt_rows_text(rows, 5)),
			.notice_plain = word_or_none(
			    rows, 6, mt_words_answer, MT_answer_end),
			.quoted = word_or_none(
			    rows, 7, mt_words_quotes, MT_quotes_end),
		};
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
load_consents(struct mt_db *db, struct ctl_rules *r, struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;

	rc = mt_rows_open(db, "SELECT rcpt, state FROM consent ORDER BY rcpt",
	    NULL, 0, &rows, err);
	if (rc != MT_OK)
		return rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		r->consents =
		    room(r->consents, r->consents_n, sizeof(*r->consents));
		r->consents[r->consents_n++] = (struct mt_policy_consent){
			.subject = keep(mt_rows_text(rows, 0)),
			.state = word_at(rows, 1, mt_words_consent),
		};
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

enum mt_rc
ctl_rules_load(
    struct mt_db *db, struct ctl_rules *ret_rules, struct mt_err *err)
{
	struct ctl_rules r = { .rules_n = 0 };
	enum mt_rc rc;

	rc = load_rules(db, &r, err);
	if (rc == MT_OK)
		rc = load_consents(db, &r, err);
	if (rc == MT_OK)
		*ret_rules = r;
	else
		ctl_rules_done(&r);
	return rc;
}

enum mt_rc
ctl_rules_snapshot(const struct ctl_options *o, struct mt_db *db, size_t *ret_n,
    struct mt_err *err)
{
	struct mt_policy_source source;
	struct ctl_rules r;
	enum mt_rc rc;
	char *path;

	if ((rc = ctl_rules_load(db, &r, err)) != MT_OK)
		return rc;
	source = (struct mt_policy_source){
		.rules = r.rules,
		.rules_n = r.rules_n,
		.consents = r.consents,
		.consents_n = r.consents_n,
	};
	path = mt_str_dup(o->policy_snapshot);
	rc = mt_policy_write(path, &source, err);
	if (rc == MT_OK)
		*ret_n = r.rules_n + r.consents_n;
	mt_free(path);
	ctl_rules_done(&r);
	return rc;
}

/* Who is at the keyboard, for updated_by. */
static struct mt_str
who(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (sudo != NULL && sudo[0] != '\0' && strlen(sudo) <= 64)
		return mt_str(sudo);
	pw = getpwuid(geteuid());
	return pw != NULL ? mt_str(pw->pw_name) : MT_LIT("unknown");
}

/* NULL for what was not said. */
static struct mt_str
word_text(const char *const *words, unsigned word)
{
	return mt_str(word > 0 ? words[word] : NULL);
}

static struct mt_str
now_text(char *text)
{
	mt_time_write(mt_clock_now(), ' ', false, text);
	return mt_str(text);
}

enum mt_rc
ctl_rule_set(
    struct mt_db *db, const struct mt_policy_rule *rule, struct mt_err *err)
{
	char now[MT_TIME_LEN + 1];
	const struct mt_str args[] = {
		mt_str(mt_words_scope[rule->scope]),
		rule->subject,
		mt_str(mt_words_kind[rule->kind]),
		mt_str(mt_words_mode[rule->mode]),
		rule->notice,
		rule->pixel_url,
		word_text(mt_words_answer, rule->notice_plain),
		word_text(mt_words_quotes, rule->quoted),
		now_text(now),
		who(),
	};

	return mt_db_run(db,
	    "INSERT INTO policy_rule (scope, subject, kind, mode, notice, "
	    "pixel_url, notice_plain, quoted, updated_at, updated_by) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE "
	    "kind = VALUES(kind), mode = VALUES(mode), "
	    "notice = VALUES(notice), pixel_url = VALUES(pixel_url), "
	    "notice_plain = VALUES(notice_plain), quoted = VALUES(quoted), "
	    "updated_at = VALUES(updated_at), "
	    "updated_by = VALUES(updated_by)",
	    args, sizeof(args) / sizeof(args[0]), NULL, err);
}

enum mt_rc
ctl_rule_unset(struct mt_db *db, enum mt_scope scope, struct mt_str subject,
    bool *ret_changed, struct mt_err *err)
{
	const struct mt_str args[] = { mt_str(mt_words_scope[scope]), subject };
	uint64_t changed = 0;
	enum mt_rc rc;

	rc = mt_db_run(db,
	    "DELETE FROM policy_rule WHERE scope = ? AND subject = ?", args, 2,
	    &changed, err);
	if (rc == MT_OK)
		*ret_changed = changed > 0;
	return rc;
}

enum mt_rc
ctl_consent_set(struct mt_db *db, struct mt_str subject, enum mt_consent state,
    struct mt_str note, struct mt_err *err)
{
	char now[MT_TIME_LEN + 1];
	const struct mt_str args[] = { subject, mt_str(mt_words_consent[state]),
		now_text(now), MT_LIT("command"), note };

	return mt_db_run(db,
	    "INSERT INTO consent (rcpt, state, at, method, text) "
	    "VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE "
	    "state = VALUES(state), at = VALUES(at), "
	    "method = VALUES(method), text = VALUES(text)",
	    args, sizeof(args) / sizeof(args[0]), NULL, err);
}

enum mt_rc
ctl_consent_unset(struct mt_db *db, struct mt_str subject, bool *ret_changed,
    struct mt_err *err)
{
	uint64_t changed = 0;
	enum mt_rc rc;

	rc = mt_db_run(db, "DELETE FROM consent WHERE rcpt = ?", &subject, 1,
	    &changed, err);
	if (rc == MT_OK)
		*ret_changed = changed > 0;
	return rc;
}
