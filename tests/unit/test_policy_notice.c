/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes with the mode: which notice, whether plain text gets it, what
 * becomes of quoted pixels; and the hook's word among the levels'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/limits.h"
#include "policy/cascade.h"
#include "../lib/policy_rows.h"

#define NO MT_answer_no
#define YES MT_answer_yes
#define LEAVE MT_quotes_leave
#define REMOVE MT_quotes_remove
#define FR "Ce message"
#define DE "Diese Nachricht"

#define RULE(where, whose, how, what, ...) \
	{ \
		.scope = (where), .subject = mt_str(whose), .kind = (how), \
		.mode = (what), __VA_ARGS__ \
	}

static struct mt_policy *
build(const struct mt_policy_rule *rules, size_t n,
    const struct mt_policy_consent *consents, size_t consents_n)
{
	struct mt_policy_source source = { .rules = rules,
		.rules_n = n,
		.consents = consents,
		.consents_n = consents_n,
		.created = CREATED };
	struct mt_policy *policy = NULL;
	struct mt_buf bytes;
	struct mt_err err;

	mt_buf_init(&bytes, 1 << 20);
	if (mt_policy_build(&source, &bytes, &err) != MT_OK ||
	    mt_policy_parse(mt_buf_view(&bytes), &policy, &err) != MT_OK)
		fail_msg("%s", err.msg);
	mt_buf_done(&bytes);
	return policy;
}

static struct mt_policy *
everything(void)
{
	const struct mt_policy_rule rules[] = {
		RULE(G, "*", AT_MOST, IDENT, .notice = mt_str("global"),
		    .notice_plain = YES, .quoted = LEAVE),
		RULE(D, "on.example", SET, IDENT, .notice_plain = NO),
		RULE(D, "all.example", SET, IDENT, .quoted = REMOVE),
		RULE(M, "@on.example", AT_MOST, PSEUDO, .notice_plain = YES),
		RULE(M, "alice@on.example", AT_MOST, IDENT, .quoted = REMOVE),
		RULE(M, "carl", AT_MOST, IDENT, .notice_plain = NO,
		    .quoted = REMOVE),
		RULE(M, "asks@on.example", ON_REQUEST, IDENT,
		    .notice_plain = YES, .quoted = LEAVE),
		RULE(R, "@fr.example", AT_MOST, IDENT, .notice = mt_str(FR)),
		RULE(R, "@ch.example", AT_MOST, IDENT, .notice = mt_str(FR)),
		RULE(R, "urs@ch.example", AT_MOST, IDENT, .notice = mt_str(DE)),
		RULE(R, "silent@fr.example", AT_MOST, IDENT, .quoted = 0),
		RULE(R, "@de.example", SET, ANON, .notice = mt_str(DE)),
		RULE(
		    R, "@ask.example", ON_REQUEST, IDENT, .notice = mt_str(DE)),
		RULE(R, "@none.example", AT_MOST, IDENT, .notice = mt_str("")),
	};
	const struct mt_policy_consent consents[] = {
		{ mt_str("oui@fr.example"), MT_consent_granted },
		{ mt_str("non@fr.example"), MT_consent_denied },
	};

	return build(rules, sizeof(rules) / sizeof(rules[0]), consents, 2);
}

static void
each_word_is_that_of_the_last_level_that_has_it(void **state)
{
	static const struct {
		const char *name, *sender, *user;
		enum mt_answer plain;
		enum mt_quotes quoted;
	} cases[] = {
		{ "global", "a@else.example", NULL, YES, LEAVE },
		{ "domain's answer, global's quotes", "nobody@on.example.",
		    NULL, YES, LEAVE },
		{ "domain's quotes, global's answer", "a@all.example", NULL,
		    YES, REMOVE },
		{ "mailbox's quotes, domain's answer", "alice@on.example", NULL,
		    NO, REMOVE },
		{ "login's words", "a@else.example", "carl", NO, REMOVE },
		{ "the sender's after the login's", "bob@on.example", "carl",
		    YES, REMOVE },
		{ "of a rule that is not requested, too", "asks@on.example",
		    "carl", YES, LEAVE },
		{ "the null sender", "", NULL, YES, LEAVE },
	};
	struct mt_policy *policy = everything();
	struct mt_policy_result got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mt_policy_in in = { .sender = mt_str(cases[i].sender),
			.user = mt_str(cases[i].user),
			.submitted = true };

		mt_policy_decide(policy, &in, &got);
		if (got.notice_plain != cases[i].plain ||
		    got.quoted != cases[i].quoted)
			fail_msg("%s: %s %s", cases[i].name,
			    mt_words_answer[got.notice_plain],
			    mt_words_quotes[got.quoted]);
	}
	mt_policy_unref(policy);
}

static void
nobody_said_anything(void **state)
{
	const struct mt_policy_rule rules[] = {
		RULE(G, "*", SET, IDENT, .notice_plain = MT_answer_absent),
	};
	struct mt_policy *policy = build(rules, 1, NULL, 0);
	struct mt_policy_in in = { .sender = mt_str("a@b.example") };
	struct mt_policy_result got;

	(void)state;
	in.submitted = true;
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(got.mode, IDENT);
	assert_int_equal(got.notice_plain, MT_answer_absent);
	assert_int_equal(got.quoted, MT_quotes_absent);
	assert_null(got.notice.p);
	mt_policy_unref(policy);
}

static void
a_notice_is_translated_when_all_recipients_have_the_same(void **state)
{
	static const struct {
		const char *name;
		const char *rcpts[4];
		enum mt_request request;
		const char *notice;
	} cases[] = {
		{ "one", { "a@fr.example" }, 0, FR },
		{ "several of one domain",
		    { "a@fr.example", "b@FR.example", "c@fr.example" }, 0, FR },
		{ "two domains, one text", { "a@fr.example", "b@ch.example" },
		    0, FR },
		{ "another text", { "a@fr.example", "b@de.example" }, 0,
		    "global" },
		{ "another text in the middle",
		    { "a@fr.example", "b@de.example", "c@fr.example" }, 0,
		    "global" },
		{ "the address's own text", { "urs@ch.example" }, 0, DE },
		{ "which is not the others'",
		    { "urs@ch.example", "a@ch.example" }, 0, "global" },
		{ "one without a rule at the end",
		    { "a@fr.example", "b@else.example" }, 0, "global" },
		{ "one without a rule at the beginning",
		    { "b@else.example", "a@fr.example" }, 0, "global" },
		{ "a more specific rule without a notice",
		    { "silent@fr.example" }, 0, "global" },
		{ "a rule that consent puts aside", { "oui@fr.example" }, 0,
		    FR },
		{ "someone who refused", { "non@fr.example" }, 0, FR },
		{ "a rule that is not requested", { "a@ask.example" }, 0, DE },
		{ "a rule that is requested", { "a@ask.example" },
		    MT_request_yes, DE },
		{ "an empty text is one", { "a@none.example" }, 0, "" },
		{ "and not the same as none",
		    { "a@none.example", "b@else.example" }, 0, "global" },
		{ "no recipients", { NULL }, 0, "global" },
	};
	struct mt_policy *policy = everything();
	struct mt_policy_rcpt to[4];
	struct mt_policy_result got;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mt_policy_in in = {
			.sender = mt_str("a@else.example"),
			.submitted = true,
			.request = cases[i].request,
			.rcpts = to,
		};

		for (k = 0; k < 4 && cases[i].rcpts[k] != NULL; k++)
			to[in.rcpts_n++].address = mt_str(cases[i].rcpts[k]);
		mt_policy_decide(policy, &in, &got);
		if (!mt_str_eqz(got.notice, cases[i].notice))
			fail_msg("%s: '%.*s'", cases[i].name,
			    MT_STR_ARG(got.notice));
		assert_int_equal(got.notice_plain, YES);
	}
	mt_policy_unref(policy);
}

static void
a_recipient_who_cannot_be_asked_has_no_translation(void **state)
{
	static const char domain[] = "@fr.example";
	char longest[MT_MAX_ADDRESS + sizeof(domain)];
	struct mt_policy *policy = everything();
	struct mt_policy_rcpt to[2] = { { .address = mt_str("a@fr.example") } };
	struct mt_policy_in in = { .sender = mt_str("a@else.example"),
		.submitted = true,
		.rcpts = to,
		.rcpts_n = 2 };
	struct mt_policy_result got;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + MT_MAX_ADDRESS, domain, sizeof(domain));
	to[1].address = mt_str(longest);
	mt_policy_decide(policy, &in, &got);
	assert_true(mt_str_eqz(got.notice, "global"));
	mt_policy_unref(policy);
}

struct hooked {
	const char *name, *sender, *rcpt;
	enum mt_request request;
	enum mt_mode hook;
	bool sets;
	enum mt_mode mode;
	enum mt_level level;
};

static const struct hooked hooked[] = {
	{ "nothing said, nothing changed", "a@all.example", "b@x", 0,
	    MT_mode_absent, false, IDENT, MT_level_domain },
	{ "sets without a mode is nothing", "a@else.example", "b@x", 0,
	    MT_mode_absent, true, OFF, MT_level_none },
	{ "at most lowers", "a@all.example", "b@x", 0, ANON, false, ANON,
	    MT_level_hook },
	{ "off", "a@all.example", "b@x", 0, OFF, false, OFF, MT_level_hook },
	{ "set lowers", "a@all.example", "b@x", 0, PSEUDO, true, PSEUDO,
	    MT_level_hook },
	{ "at most does not raise", "bob@on.example", "b@x", 0, IDENT, false,
	    PSEUDO, MT_level_mailbox },
	{ "set does not raise", "bob@on.example", "b@x", 0, IDENT, true, PSEUDO,
	    MT_level_mailbox },
	{ "at most turns nothing on", "a@else.example", "b@x", 0, IDENT, false,
	    OFF, MT_level_none },
	{ "set turns on what nobody turned on", "a@else.example", "b@x", 0,
	    PSEUDO, true, PSEUDO, MT_level_hook },
	{ "but never over the message's own no", "a@else.example", "b@x",
	    MT_request_no, IDENT, true, OFF, MT_level_header },
	{ "nor over its anonymous", "a@else.example", "b@x",
	    MT_request_anonymous, IDENT, true, ANON, MT_level_header },
	{ "nor over a refusal", "a@else.example", "non@fr.example", 0, IDENT,
	    true, OFF, MT_level_recipient },
	{ "nor over a recipient's rule", "a@else.example", "b@de.example", 0,
	    IDENT, true, ANON, MT_level_recipient },
	{ "equal to a set is the set's", "a@all.example", "b@x", 0, IDENT,
	    false, IDENT, MT_level_domain },
};

static void
the_hook_lowers_and_turns_on_but_never_overrules(void **state)
{
	struct mt_policy *policy = everything();
	struct mt_policy_result got;
	const struct hooked *h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hooked) / sizeof(hooked[0]); i++) {
		struct mt_policy_rcpt to = { .address =
						 mt_str(hooked[i].rcpt) };
		struct mt_policy_in in = { .sender = mt_str(hooked[i].sender),
			.submitted = true,
			.request = hooked[i].request,
			.hook = hooked[i].hook,
			.hook_sets = hooked[i].sets,
			.rcpts = &to,
			.rcpts_n = 1 };

		h = &hooked[i];
		mt_policy_decide(policy, &in, &got);
		if (got.mode != h->mode || got.level != h->level)
			fail_msg("%s: %s by %s", h->name,
			    mt_words_mode[got.mode], mt_words_level[got.level]);
		if (h->level == MT_level_hook)
			assert_null(got.rule.p);
		in.submitted = false;
		mt_policy_decide(policy, &in, &got);
		assert_int_equal(got.level, MT_level_direction);
		in.submitted = true;
		mt_policy_decide(NULL, &in, &got);
		assert_int_equal(got.mode, OFF);
		assert_int_equal(got.level, MT_level_snapshot);
	}
	mt_policy_unref(policy);
}

static void
note_level(void *arg, const struct mt_policy_step *step)
{
	mt_buf_printf(arg, "%s:%.*s ", mt_words_level[step->level],
	    MT_STR_ARG(step->asked));
}

static void
the_hook_is_heard_between_header_and_recipients(void **state)
{
	struct mt_policy *policy = everything();
	struct mt_policy_rcpt to = { .address = mt_str("b@fr.example") };
	struct mt_buf got;
	struct mt_policy_in in = { .sender = mt_str("a@all.example"),
		.submitted = true,
		.request = MT_request_yes,
		.hook = ANON,
		.rcpts = &to,
		.rcpts_n = 1,
		.explain = note_level,
		.arg = &got };
	struct mt_policy_result result;

	(void)state;
	mt_buf_init(&got, 4096);
	mt_policy_decide(policy, &in, &result);
	assert_string_equal(got.p,
	    "global:* domain:all.example mailbox:a@all.example header:yes "
	    "hook:anonymous recipient:b@fr.example ");
	mt_buf_done(&got);
	mt_policy_unref(policy);
}

static void
words_that_have_no_meaning_are_refused(void **state)
{
	static const char senders[] =
	    "recipient rule '*': notice_plain and quoted are for senders to "
	    "say";
	const struct {
		struct mt_policy_rule rule;
		const char *msg;
	} cases[] = {
		{ RULE(M, "a@b.example", SET, ANON,
		      .notice_plain = MT_answer_end),
		    "mailbox rule 'a@b.example': notice_plain is neither no "
		    "nor yes" },
		{ RULE(M, "a@b.example", SET, ANON, .quoted = MT_quotes_end),
		    "mailbox rule 'a@b.example': quoted is neither leave nor "
		    "remove" },
		{ RULE(R, "*", SET, ANON, .quoted = LEAVE), senders },
		{ RULE(R, "*", SET, ANON, .notice_plain = NO), senders },
	};
	struct mt_policy_source source = { .rules_n = 1 };
	struct mt_buf out;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		source.rules = &cases[i].rule;
		mt_buf_init(&out, 1 << 16);
		assert_int_equal(
		    mt_policy_build(&source, &out, &err), MT_CONFIG);
		assert_string_equal(err.msg, cases[i].msg);
		mt_buf_done(&out);
	}
}

static void
every_pair_of_words_survives_the_file(void **state)
{
	struct mt_policy_rule rule =
	    RULE(M, "a@b.example", ON_REQUEST, PSEUDO, .notice = mt_str("n"));
	struct mt_policy_rule got;
	struct mt_policy *policy;
	unsigned plain, quoted;

	(void)state;
	for (plain = 0; plain < MT_answer_end; plain++)
		for (quoted = 0; quoted < MT_quotes_end; quoted++) {
			rule.notice_plain = (enum mt_answer)plain;
			rule.quoted = (enum mt_quotes)quoted;
			policy = build(&rule, 1, NULL, 0);
			assert_true(mt_policy_find_rule(
			    policy, M, MT_LIT("a@b.example"), &got));
			assert_int_equal(got.notice_plain, plain);
			assert_int_equal(got.quoted, quoted);
			assert_int_equal(got.kind, ON_REQUEST);
			assert_int_equal(got.mode, PSEUDO);
			mt_policy_unref(policy);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_word_is_that_of_the_last_level_that_has_it),
		cmocka_unit_test(nobody_said_anything),
		cmocka_unit_test(
		    a_notice_is_translated_when_all_recipients_have_the_same),
		cmocka_unit_test(
		    a_recipient_who_cannot_be_asked_has_no_translation),
		cmocka_unit_test(
		    the_hook_lowers_and_turns_on_but_never_overrules),
		cmocka_unit_test(
		    the_hook_is_heard_between_header_and_recipients),
		cmocka_unit_test(words_that_have_no_meaning_are_refused),
		cmocka_unit_test(every_pair_of_words_survives_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
