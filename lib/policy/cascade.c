/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "mail/address.h"
#include "policy/cascade.h"
#include "policy/layout.h"

#define EXTENSION \
	'+' /* Postfix's recipient_delimiter, as nearly all set it \
	     */

/* What the levels have said so far. */
struct verdict {
	enum mt_mode mode; /* absent: nothing restricts */
	bool set; /* some level turned tracking on */
	bool by_set; /* and it is that one which decided */
	enum mt_level level;
	struct mt_str rule;
};

struct cascade {
	const struct mt_policy *policy;
	const struct mt_policy_in *in;
	struct mt_policy_result *result;
	struct mt_buf key; /* scratch */
	struct mt_buf wide; /* scratch: a wider key */
	struct verdict sender;
	struct mt_str translation; /* the recipients' notice so far */
	bool differ; /* one has none, or another */
};

static void
explain(const struct cascade *c, const struct mt_policy_step *step)
{
	if (c->in->explain != NULL)
		c->in->explain(c->in->arg, step);
}

/*
 * The most restrictive mode decides. Of equals one that turned tracking on is
 * named, since that is what people look for, and of those the last, which is
 * the nearest to the message.
 */
static void
combine(struct verdict *v, const struct mt_policy_step *step)
{
	v->set = v->set || step->sets;
	if (!step->counts || step->mode == MT_mode_absent)
		return;
	if (v->mode != MT_mode_absent &&
	    (step->mode > v->mode ||
		(step->mode == v->mode && v->by_set && !step->sets)))
		return;
	v->mode = step->mode;
	v->by_set = step->sets;
	v->level = step->level;
	v->rule = step->rule.subject;
}

/* The domain of a key, absent when it has none. */
static struct mt_str
domain_of(struct mt_str key)
{
	struct mt_str local, domain;

	if (!mt_str_cut_last(key, '@', &local, &domain) || domain.n == 0)
		return mt_str(NULL);
	return domain;
}

/* The address without its extension, in c->wide; false without one. */
static bool
without_extension(struct cascade *c, struct mt_str key)
{
	struct mt_str domain = domain_of(key);
	const char *plus;

	if (domain.p == NULL || key.n == 0 || key.p[0] == '"')
		return false;
	plus = memchr(key.p, EXTENSION, key.n - domain.n - 1);
	if (plus == NULL || plus == key.p)
		return false;
	mt_buf_reset(&c->wide);
	mt_buf_add(&c->wide, key.p, (size_t)(plus - key.p));
	mt_buf_c(&c->wide, '@');
	mt_buf_str(&c->wide, domain);
	return true;
}

static bool
at_domain(struct cascade *c, struct mt_str key)
{
	struct mt_str domain = domain_of(key);

	if (domain.p == NULL)
		return false;
	mt_buf_reset(&c->wide);
	mt_buf_c(&c->wide, '@');
	mt_buf_str(&c->wide, domain);
	return true;
}

/* The rule of the most specific subject. */
static bool
find_rule(struct cascade *c, enum mt_scope scope, struct mt_str key,
    struct mt_policy_rule *ret_rule)
{
	const struct mt_policy *p = c->policy;

	if (key.n > 0 && mt_policy_find_rule(p, scope, key, ret_rule))
		return true;
	if (without_extension(c, key) &&
	    mt_policy_find_rule(p, scope, mt_buf_view(&c->wide), ret_rule))
		return true;
	if (at_domain(c, key) &&
	    mt_policy_find_rule(p, scope, mt_buf_view(&c->wide), ret_rule))
		return true;
	return mt_policy_find_rule(p, scope, MT_LIT("*"), ret_rule);
}

static enum mt_consent
find_consent(struct cascade *c, struct mt_str key)
{
	enum mt_consent consent;

	consent = mt_policy_find_consent(c->policy, key);
	if (consent == MT_consent_absent && without_extension(c, key))
		consent =
		    mt_policy_find_consent(c->policy, mt_buf_view(&c->wide));
	if (consent == MT_consent_absent && at_domain(c, key))
		consent =
		    mt_policy_find_consent(c->policy, mt_buf_view(&c->wide));
	return consent;
}

/* What a rule says about this message. */
static void
judge(const struct cascade *c, struct mt_policy_step *step)
{
	bool requested = c->in->request == MT_request_yes ||
	    c->in->request == MT_request_anonymous;

	if (!step->found)
		return;
	if (step->rule.kind == MT_kind_on_request && !requested)
		return;
	step->counts = true;
	step->sets = step->rule.kind != MT_kind_at_most;
	step->mode = step->rule.mode;
}

static void
ask_sender_level(struct cascade *c, enum mt_level level, enum mt_scope scope,
    struct mt_str key)
{
	struct mt_policy_step step = { .level = level, .asked = key };

	step.found = find_rule(c, scope, key, &step.rule);
	judge(c, &step);
	combine(&c->sender, &step);
	explain(c, &step);
	if (!step.found)
		return;
	if (step.rule.notice.p != NULL)
		c->result->notice = step.rule.notice;
	if (step.rule.pixel_url.p != NULL)
		c->result->pixel_url = step.rule.pixel_url;
	if (step.rule.notice_plain != MT_answer_absent)
		c->result->notice_plain = step.rule.notice_plain;
	if (step.rule.quoted != MT_quotes_absent)
		c->result->quoted = step.rule.quoted;
}

/* Text as a key in c->key, empty when it is none. */
static struct mt_str
key_of(struct cascade *c, struct mt_str text)
{
	mt_buf_reset(&c->key);
	if (!mt_policy_key(text, &c->key) || mt_buf_over(&c->key))
		return MT_LIT("");
	return mt_buf_view(&c->key);
}

/*
 * A text too long to be an address or login: no rule or consent can be found
 * for it, not even its domain's, so nobody may be tracked by it.
 */
static bool
too_long(struct mt_str text, struct mt_str key)
{
	return key.n == 0 && mt_address_strip(text).n > 0;
}

static void
refuse(const struct cascade *c, enum mt_level level, struct mt_str text,
    struct verdict *v)
{
	const struct mt_policy_step step = { .level = level,
		.asked = text,
		.counts = true,
		.mode = MT_mode_off };

	combine(v, &step);
	explain(c, &step);
}

static void
ask_header(struct cascade *c)
{
	struct mt_policy_step step = { .level = MT_level_header };
	enum mt_request request = c->in->request;

	if (request == MT_request_absent)
		return;
	step.asked = mt_str(mt_words_request[request]);
	step.counts = true;
	if (request == MT_request_no)
		step.mode = MT_mode_off;
	else if (request == MT_request_anonymous)
		step.mode = MT_mode_anonymous;
	combine(&c->sender, &step);
	explain(c, &step);
}

static void
ask_hook(struct cascade *c)
{
	const struct mt_policy_step step = { .level = MT_level_hook,
		.asked = mt_str(mt_words_mode[c->in->hook]),
		.counts = true,
		.sets = c->in->hook_sets,
		.mode = c->in->hook };

	if (c->in->hook == MT_mode_absent)
		return;
	combine(&c->sender, &step);
	explain(c, &step);
}

/*
 * The login is asked before the sender, so that a notice or URL of the
 * sender's own rule comes last and holds.
 */
static void
ask_sender(struct cascade *c)
{
	struct mt_str key;

	ask_sender_level(c, MT_level_global, MT_scope_global, MT_LIT("*"));
	key = key_of(c, c->in->sender);
	if (key.n > 0)
		ask_sender_level(
		    c, MT_level_domain, MT_scope_domain, domain_of(key));
	else if (too_long(c->in->sender, key))
		refuse(c, MT_level_domain, c->in->sender, &c->sender);
	key = key_of(c, c->in->user);
	if (too_long(c->in->user, key))
		refuse(c, MT_level_mailbox, c->in->user, &c->sender);
	else if (key.n > 0 && !mt_str_eq_nocase(c->in->user, c->in->sender))
		ask_sender_level(c, MT_level_mailbox, MT_scope_mailbox, key);
	key = key_of(c, c->in->sender);
	if (key.n > 0)
		ask_sender_level(c, MT_level_mailbox, MT_scope_mailbox, key);
	ask_header(c);
	ask_hook(c);
}

/* A subject that is neither @domain nor *. */
static bool
is_address(struct mt_str subject)
{
	return subject.n > 0 && subject.p[0] != '@' &&
	    !mt_str_eqz(subject, "*");
}

static void
take_word(struct mt_policy_rcpt *rcpt, const struct mt_policy_step *step)
{
	if (!step->counts || step->mode == MT_mode_absent ||
	    (rcpt->mode != MT_mode_absent && step->mode >= rcpt->mode))
		return;
	rcpt->mode = step->mode;
	rcpt->rule = step->rule.subject;
}

/* A recipient's notice; absent: none was found. */
static void
take_notice(struct cascade *c, struct mt_str notice)
{
	if (notice.p == NULL ||
	    (c->translation.p != NULL && !mt_str_eq(notice, c->translation)))
		c->differ = true;
	c->translation = notice;
}

static void
ask_recipient(struct cascade *c, struct mt_policy_rcpt *rcpt, struct verdict *v)
{
	struct mt_str key = key_of(c, rcpt->address);
	struct mt_policy_step step = { .level = MT_level_recipient,
		.asked = key };
	enum mt_consent consent;

	rcpt->mode = MT_mode_absent;
	rcpt->rule = mt_str(NULL);
	if (too_long(rcpt->address, key)) {
		refuse(c, MT_level_recipient, rcpt->address, v);
		rcpt->mode = MT_mode_off;
		take_notice(c, mt_str(NULL));
		return;
	}
	consent = find_consent(c, key);
	step.consent = consent;
	step.counts = consent != MT_consent_absent;
	if (consent == MT_consent_denied)
		step.mode = MT_mode_off;
	if (step.counts) {
		step.rule.subject = rcpt->address;
		combine(v, &step);
		take_word(rcpt, &step);
		explain(c, &step);
	}
	step = (struct mt_policy_step){ .level = MT_level_recipient,
		.asked = key };
	step.found = find_rule(c, MT_scope_recipient, key, &step.rule);
	judge(c, &step);
	if (consent == MT_consent_granted && step.found &&
	    !is_address(step.rule.subject)) {
		step.counts = false;
		step.sets = false;
	}
	combine(v, &step);
	take_word(rcpt, &step);
	take_notice(c, step.rule.notice);
	explain(c, &step);
}

static void
take_verdict(struct mt_policy_result *result, const struct verdict *v)
{
	enum mt_mode mode = v->set ? v->mode : MT_mode_off;

	if (result->mode != MT_mode_absent && mode >= result->mode)
		return;
	result->mode = mode;
	result->level = v->set ? v->level : MT_level_none;
	result->rule = v->set ? v->rule : mt_str(NULL);
}

void
mt_policy_decide(const struct mt_policy *policy, const struct mt_policy_in *in,
    struct mt_policy_result *ret_result)
{
	struct cascade c = { .policy = policy, .in = in, .result = ret_result };
	struct verdict v;
	size_t i;

	*ret_result = (struct mt_policy_result){ .mode = MT_mode_absent };
	if (!in->submitted || policy == NULL) {
		ret_result->mode = MT_mode_off;
		ret_result->level =
		    in->submitted ? MT_level_snapshot : MT_level_direction;
		return;
	}
	mt_buf_init(&c.key, MT_MAX_ADDRESS + 1);
	mt_buf_init(&c.wide, MT_MAX_ADDRESS + 1);
	ask_sender(&c);
	for (i = 0; i < in->rcpts_n; i++) {
		v = c.sender;
		ask_recipient(&c, &in->rcpts[i], &v);
		take_verdict(ret_result, &v);
	}
	if (in->rcpts_n == 0)
		take_verdict(ret_result, &c.sender);
	else if (!c.differ)
		ret_result->notice = c.translation;
	mt_buf_done(&c.key);
	mt_buf_done(&c.wide);
}

enum mt_request
mt_policy_request(struct mt_str value)
{
	value = mt_str_trim(value);
	if (mt_str_eqz_nocase(value, "yes"))
		return MT_request_yes;
	if (mt_str_eqz_nocase(value, "anonymous"))
		return MT_request_anonymous;
	return MT_request_no;
}

enum mt_request
mt_policy_request_join(enum mt_request a, enum mt_request b)
{
	static const unsigned restricts[] = { [MT_request_absent] = 0,
		[MT_request_yes] = 1,
		[MT_request_anonymous] = 2,
		[MT_request_no] = 3 };

	return restricts[a] > restricts[b] ? a : b;
}
