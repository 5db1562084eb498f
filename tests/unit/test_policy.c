/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "policy/cascade.h"
#include "../lib/policy_rows.h"

/* What one level can say in the truth table; kind absent: no rule. */
static const struct {
	enum mt_kind kind;
	enum mt_mode mode;
} words[] = {
	{ MT_kind_absent, MT_mode_absent },
	{ SET, OFF },
	{ SET, ANON },
	{ SET, IDENT },
	{ AT_MOST, OFF },
	{ AT_MOST, ANON },
	{ AT_MOST, IDENT },
	{ ON_REQUEST, ANON },
	{ ON_REQUEST, IDENT },
};
#define WORDS_N (sizeof(words) / sizeof(words[0]))
#define LEVELS 5 /* global, domain, login, sender, recipient */

struct truth {
	struct mt_policy_rule rules[WORDS_N * (WORDS_N + 5) + 1];
	struct mt_policy_consent consents[WORDS_N * 2];
	char text[WORDS_N * (WORDS_N + 5) + 1][16];
	struct mt_policy_source source;
	size_t texts;
};

static void
add_truth(struct truth *t, enum mt_scope scope, size_t word,
    enum mt_consent consent, const char *subject)
{
	char *text = t->text[t->texts++];
	struct mt_policy_source *s = &t->source;

	(void)snprintf(text, sizeof(t->text[0]), "%s", subject);
	if (words[word].kind != MT_kind_absent)
		t->rules[s->rules_n++] =
		    (struct mt_policy_rule){ .scope = scope,
			    .subject = mt_str(text),
			    .kind = words[word].kind,
			    .mode = words[word].mode };
	if (consent != MT_consent_absent)
		t->consents[s->consents_n++] =
		    (struct mt_policy_consent){ mt_str(text), consent };
}

/* Subjects whose names say which word they stand for. */
static void
add_truths(struct truth *t, size_t word)
{
	char name[16];
	size_t k;

	(void)snprintf(name, sizeof(name), "d%zu", word);
	add_truth(t, D, word, MT_consent_absent, name);
	(void)snprintf(name, sizeof(name), "u%zu", word);
	add_truth(t, M, word, MT_consent_absent, name);
	(void)snprintf(name, sizeof(name), "r%zu@x", word);
	add_truth(t, R, word, MT_consent_absent, name);
	(void)snprintf(name, sizeof(name), "g%zu@x", word);
	add_truth(t, R, word, MT_consent_granted, name);
	(void)snprintf(name, sizeof(name), "n%zu@x", word);
	add_truth(t, R, word, MT_consent_denied, name);
	for (k = 0; k < WORDS_N; k++) {
		(void)snprintf(name, sizeof(name), "s%zu@d%zu", k, word);
		add_truth(t, M, k, MT_consent_absent, name);
	}
}

/* One snapshot for one global word. */
static struct mt_policy *
truth_policy(size_t global)
{
	struct truth *t = mt_alloc(sizeof(*t));
	struct mt_policy *policy = NULL;
	struct mt_buf bytes;
	struct mt_err err;
	size_t i;

	t->source.rules = t->rules;
	t->source.consents = t->consents;
	add_truth(t, G, global, MT_consent_absent, "*");
	for (i = 0; i < WORDS_N; i++)
		add_truths(t, i);
	mt_buf_init(&bytes, 1 << 20);
	if (mt_policy_build(&t->source, &bytes, &err) != MT_OK ||
	    mt_policy_parse(mt_buf_view(&bytes), &policy, &err) != MT_OK)
		fail_msg("%s", err.msg);
	mt_buf_done(&bytes);
	mt_free(t);
	return policy;
}

/* What the hook says in the truth table; mode absent: nothing. */
static const struct {
	enum mt_mode mode;
	bool sets;
} hooks[] = {
	{ MT_mode_absent, false },
	{ OFF, false },
	{ ANON, false },
	{ IDENT, false },
	{ OFF, true },
	{ ANON, true },
	{ IDENT, true },
};
#define HOOKS_N (sizeof(hooks) / sizeof(hooks[0]))

/* The rule in one line: the lowest ceiling, if anything was set. */
static enum mt_mode
expected(
    const size_t *level, enum mt_request request, size_t hook, char consent)
{
	bool asks =
	    request == MT_request_yes || request == MT_request_anonymous;
	enum mt_mode most = IDENT;
	bool set = false;
	size_t i;

	for (i = 0; i < LEVELS; i++) {
		if (words[level[i]].kind == MT_kind_absent ||
		    (words[level[i]].kind == ON_REQUEST && !asks))
			continue;
		if (words[level[i]].kind != AT_MOST)
			set = true;
		if (words[level[i]].mode < most)
			most = words[level[i]].mode;
	}
	if (request == MT_request_no || consent == 'n')
		most = OFF;
	if (request == MT_request_anonymous && most > ANON)
		most = ANON;
	set = set || hooks[hook].sets;
	if (hooks[hook].mode != MT_mode_absent && hooks[hook].mode < most)
		most = hooks[hook].mode;
	return set ? most : OFF;
}

static void
check_truth(const struct mt_policy *policy, const size_t *level)
{
	static const char consents[] = "rgn";
	char user[8], sender[8], rcpt[8];
	struct mt_policy_rcpt to = { .mode = MT_mode_absent };
	struct mt_policy_in in = {
		.submitted = true, .rcpts = &to, .rcpts_n = 1
	};
	struct mt_policy_result got;
	enum mt_mode want;
	unsigned request;
	size_t i, hook;

	(void)snprintf(user, sizeof(user), "u%zu", level[2]);
	(void)snprintf(sender, sizeof(sender), "s%zu@d%zu", level[3], level[1]);
	in.user = mt_str(user);
	in.sender = mt_str(sender);
	for (request = 0; request < MT_request_end; request++) {
		in.request = (enum mt_request)request;
		/* All hooks with all levels would be many; each meets each. */
		hook = (level[0] + 2 * level[1] + 3 * level[2] + 4 * level[3] +
			   5 * level[4] + request) %
		    HOOKS_N;
		in.hook = hooks[hook].mode;
		in.hook_sets = hooks[hook].sets;
		for (i = 0; i < 3; i++) {
			(void)snprintf(rcpt, sizeof(rcpt), "%c%zu@x",
			    consents[i], level[4]);
			to.address = mt_str(rcpt);
			mt_policy_decide(policy, &in, &got);
			want = expected(level, in.request, hook, consents[i]);
			if (got.mode != want)
				fail_msg("global %zu %s %s %s request %u hook "
					 "%zu: %s, not %s",
				    level[0], sender, user, rcpt, request, hook,
				    mt_words_mode[got.mode],
				    mt_words_mode[want]);
			if ((got.level == MT_level_none) &&
			    got.mode != MT_mode_off)
				fail_msg("%s on by nobody", sender);
		}
	}
}

static void
every_combination_of_levels_gives_the_most_restrictive(void **state)
{
	struct mt_policy *policy;
	size_t level[LEVELS];

	(void)state;
	for (level[0] = 0; level[0] < WORDS_N; level[0]++) {
		policy = truth_policy(level[0]);
		for (level[1] = 0; level[1] < WORDS_N; level[1]++)
			for (level[2] = 0; level[2] < WORDS_N; level[2]++)
				for (level[3] = 0; level[3] < WORDS_N;
				     level[3]++)
					for (level[4] = 0; level[4] < WORDS_N;
					     level[4]++)
						check_truth(policy, level);
		mt_policy_unref(policy);
	}
}

struct decision {
	const char *name;
	const char *sender;
	const char *user;
	enum mt_request request;
	const char *rcpts[4];
	enum mt_mode mode;
	enum mt_level level;
	const char *rule;
	const char *notice;
	const char *url;
};

#define ASK MT_request_yes
#define NONE MT_request_absent
#define GU "https://g.example"

static const struct decision decisions[] = {
	{ "the address's own rule counts, not its domain's", "alice@on.example",
	    NULL, NONE, { "vip@anon.example" }, IDENT, MT_level_domain,
	    "on.example", "", GU },
	{ "the @domain rule counts for everybody else", "bob@on.example", NULL,
	    NONE, { "vip@anon.example" }, PSEUDO, MT_level_mailbox,
	    "@on.example", "domain notice", GU },
	{ "case of sender and recipient does not matter", "ALICE@ON.example",
	    NULL, NONE, { "VIP@Anon.Example" }, IDENT, MT_level_domain,
	    "on.example", "", GU },
	{ "an address with an extension is its mailbox",
	    "alice+news@on.example", NULL, NONE, { "vip@anon.example" }, IDENT,
	    MT_level_domain, "on.example", "", GU },
	{ "unless it has a rule of its own", "alice+off@on.example", NULL, NONE,
	    { "vip@anon.example" }, OFF, MT_level_mailbox,
	    "alice+off@on.example", "domain notice", GU },
	{ "the login restricts the sender's address", "alice@on.example",
	    "carl", NONE, { "vip@anon.example" }, ANON, MT_level_mailbox,
	    "carl", "", GU },
	{ "the sender's notice goes before the login's", "info@on.example",
	    "carl", NONE, { "vip@anon.example" }, ANON, MT_level_mailbox,
	    "carl", "info's notice", GU },
	{ "the login's notice counts when the sender has none",
	    "bob@on.example", "carl", NONE, { "vip@anon.example" }, ANON,
	    MT_level_mailbox, "carl", "carl's notice", GU },
	{ "nothing set is off", "x@elsewhere.example", NULL, NONE,
	    { "vip@anon.example" }, OFF, MT_level_none, NULL, "global notice",
	    GU },
	{ "on request and not requested", "x@ask.example", NULL, NONE,
	    { "vip@anon.example" }, OFF, MT_level_none, NULL, "global notice",
	    "https://ask.example/p" },
	{ "on request and requested", "x@ask.example", NULL, ASK,
	    { "vip@anon.example" }, IDENT, MT_level_domain, "ask.example",
	    "global notice", "https://ask.example/p" },
	{ "requested anonymously", "x@ask.example", NULL, MT_request_anonymous,
	    { "vip@anon.example" }, ANON, MT_level_header, NULL,
	    "global notice", "https://ask.example/p" },
	{ "the header's no", "alice@on.example", NULL, MT_request_no,
	    { "vip@anon.example" }, OFF, MT_level_header, NULL, "", GU },
	{ "a yes turns nothing on", "x@elsewhere.example", NULL, ASK,
	    { "vip@anon.example" }, OFF, MT_level_none, NULL, "global notice",
	    GU },
	{ "all recipients have a rule", "alice@on.example", NULL, NONE,
	    { "a@free.example" }, PSEUDO, MT_level_recipient, "*", "", GU },
	{ "the recipients' domain has a rule", "alice@on.example", NULL, NONE,
	    { "a@anon.example" }, ANON, MT_level_recipient, "@anon.example", "",
	    GU },
	{ "the most restrictive recipient decides", "alice@on.example", NULL,
	    NONE, { "vip@anon.example", "a@anon.example", "b@free.example" },
	    ANON, MT_level_recipient, "@anon.example", "", GU },
	{ "consent puts the rules for many aside", "alice@on.example", NULL,
	    NONE, { "yes@anon.example" }, IDENT, MT_level_domain, "on.example",
	    "", GU },
	{ "consent does not put the address's own rule aside",
	    "alice@on.example", NULL, NONE, { "no@anon.example" }, OFF,
	    MT_level_recipient, "no@anon.example", "", GU },
	{ "a refusal", "alice@on.example", NULL, NONE, { "never@free.example" },
	    OFF, MT_level_recipient, "never@free.example", "", GU },
	{ "a refusal holds for extensions", "alice@on.example", NULL, NONE,
	    { "never+list@free.example" }, OFF, MT_level_recipient,
	    "never+list@free.example", "", GU },
	{ "one refusal among many", "alice@on.example", NULL, NONE,
	    { "vip@anon.example", "never@free.example", "yes@anon.example" },
	    OFF, MT_level_recipient, "never@free.example", "", GU },
	{ "a domain that refuses", "alice@on.example", NULL, NONE,
	    { "two@refuses.example" }, OFF, MT_level_recipient,
	    "two@refuses.example", "", GU },
	{ "but one of it agreed", "alice@on.example", NULL, NONE,
	    { "one@refuses.example" }, IDENT, MT_level_domain, "on.example", "",
	    GU },
	{ "a recipient without domain", "alice@on.example", NULL, NONE,
	    { "<postmaster>" }, OFF, MT_level_recipient, "postmaster", "", GU },
	{ "a recipient's set is on for that recipient", "x@elsewhere.example",
	    NULL, NONE, { "turn@on.too" }, ANON, MT_level_recipient,
	    "turn@on.too", "global notice", GU },
	{ "and for no other", "x@elsewhere.example", NULL, NONE,
	    { "turn@on.too", "a@free.example" }, OFF, MT_level_none, NULL,
	    "global notice", GU },
	{ "the null sender has the global level only", "", NULL, NONE,
	    { "vip@anon.example" }, OFF, MT_level_none, NULL, "global notice",
	    GU },
	{ "envelope form", "<alice@on.example>", NULL, NONE,
	    { "<vip@anon.example>" }, IDENT, MT_level_domain, "on.example", "",
	    GU },
	{ "no recipients", "alice@on.example", NULL, NONE, { NULL }, IDENT,
	    MT_level_domain, "on.example", "", GU },
};

static void
assert_text(
    const char *name, const char *what, struct mt_str got, const char *want)
{
	if (want == NULL ? got.p != NULL
			 : got.p == NULL || !mt_str_eqz(got, want))
		fail_msg("%s: %s is '%.*s', not '%s'", name, what,
		    MT_STR_ARG(got), want == NULL ? "(absent)" : want);
}

static void
the_cascade_decides(void **state)
{
	struct mt_policy *policy = policy_of(policy_many, policy_many_said);
	const struct decision *d;
	struct mt_policy_rcpt to[4];
	struct mt_policy_result got;
	struct mt_policy_in in;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
		d = &decisions[i];
		in = (struct mt_policy_in){ .sender = mt_str(d->sender),
			.user = mt_str(d->user),
			.submitted = true,
			.request = d->request,
			.rcpts = to };
		for (k = 0; k < 4 && d->rcpts[k] != NULL; k++)
			to[in.rcpts_n++].address = mt_str(d->rcpts[k]);
		mt_policy_decide(policy, &in, &got);
		if (got.mode != d->mode || got.level != d->level)
			fail_msg("%s: %s by %s, not %s by %s", d->name,
			    mt_words_mode[got.mode], mt_words_level[got.level],
			    mt_words_mode[d->mode], mt_words_level[d->level]);
		assert_text(d->name, "rule", got.rule, d->rule);
		assert_text(d->name, "notice", got.notice, d->notice);
		assert_text(d->name, "url", got.pixel_url, d->url);
	}
	mt_policy_unref(policy);
}

static void
each_recipient_learns_what_its_own_rule_said(void **state)
{
	struct mt_policy *policy = policy_of(policy_many, policy_many_said);
	struct mt_policy_rcpt to[] = {
		{ .address = mt_str("a@anon.example") },
		{ .address = mt_str("never@free.example") },
		{ .address = mt_str("yes@anon.example") },
	};
	struct mt_policy_in in = { .sender = mt_str("alice@on.example"),
		.submitted = true,
		.rcpts = to,
		.rcpts_n = 3 };
	struct mt_policy_result got;

	(void)state;
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(to[0].mode, ANON);
	assert_text("0", "rule", to[0].rule, "@anon.example");
	assert_int_equal(to[1].mode, OFF);
	assert_text("1", "rule", to[1].rule, "never@free.example");
	assert_int_equal(to[2].mode, MT_mode_absent);
	assert_text("2", "rule", to[2].rule, NULL);
	mt_policy_unref(policy);
}

static void
without_submission_or_snapshot_it_is_off(void **state)
{
	struct mt_policy *policy = policy_of(policy_many, policy_many_said);
	struct mt_policy_in in = { .sender = mt_str("alice@on.example") };
	struct mt_policy_result got;

	(void)state;
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(got.mode, OFF);
	assert_int_equal(got.level, MT_level_direction);
	mt_policy_decide(NULL, &in, &got);
	assert_int_equal(got.level, MT_level_direction);
	in.submitted = true;
	mt_policy_decide(NULL, &in, &got);
	assert_int_equal(got.mode, OFF);
	assert_int_equal(got.level, MT_level_snapshot);
	mt_policy_unref(policy);
}

static void
note_step(void *arg, const struct mt_policy_step *step)
{
	struct mt_buf *out = arg;

	mt_buf_printf(out, "%s '%.*s'", mt_words_level[step->level],
	    MT_STR_ARG(step->asked));
	if (step->found)
		mt_buf_printf(out, " rule '%.*s' %s %s",
		    MT_STR_ARG(step->rule.subject),
		    mt_words_kind[step->rule.kind],
		    mt_words_mode[step->rule.mode]);
	if (step->consent != MT_consent_absent)
		mt_buf_printf(out, " %s", mt_words_consent[step->consent]);
	mt_buf_printf(out, " ->%s%s %s\n", step->counts ? " counts" : "",
	    step->sets ? " sets" : "", mt_words_mode[step->mode]);
}

static void
every_level_explains_itself(void **state)
{
	static const char want[] =
	    "global '*' rule '*' at_most identified -> counts identified\n"
	    "domain 'ask.example' rule 'ask.example' on_request identified -> "
	    "counts sets identified\n"
	    "mailbox 'carl' rule 'carl' set anonymous -> counts sets "
	    "anonymous\n"
	    "mailbox 'x@ask.example' -> \n"
	    "header 'yes' -> counts \n"
	    "recipient 'yes@anon.example' granted -> counts \n"
	    "recipient 'yes@anon.example' rule '@anon.example' at_most "
	    "anonymous -> anonymous\n"
	    "recipient 'no@anon.example' granted -> counts \n"
	    "recipient 'no@anon.example' rule 'no@anon.example' at_most off "
	    "-> counts off\n";
	struct mt_policy *policy = policy_of(policy_many, policy_many_said);
	struct mt_policy_rcpt to[] = {
		{ .address = mt_str("Yes@anon.example") },
		{ .address = mt_str("no@anon.example") },
	};
	struct mt_buf got;
	struct mt_policy_in in = { .sender = mt_str("x@ask.example"),
		.user = mt_str("Carl"),
		.submitted = true,
		.request = ASK,
		.rcpts = to,
		.rcpts_n = 2,
		.explain = note_step,
		.arg = &got };
	struct mt_policy_result result;

	(void)state;
	mt_buf_init(&got, 4096);
	mt_policy_decide(policy, &in, &result);
	assert_string_equal(got.p, want);
	mt_buf_done(&got);
	mt_policy_unref(policy);
}

static void
requests_are_read(void **state)
{
	(void)state;
	assert_int_equal(mt_policy_request(MT_LIT(" Yes\r\n")), MT_request_yes);
	assert_int_equal(
	    mt_policy_request(MT_LIT("ANONYMOUS")), MT_request_anonymous);
	assert_int_equal(mt_policy_request(MT_LIT("no")), MT_request_no);
	assert_int_equal(
	    mt_policy_request(MT_LIT("yes please")), MT_request_no);
	assert_int_equal(mt_policy_request(MT_LIT("")), MT_request_no);
	assert_int_equal(
	    mt_policy_request_join(MT_request_absent, MT_request_yes),
	    MT_request_yes);
	assert_int_equal(
	    mt_policy_request_join(MT_request_no, MT_request_anonymous),
	    MT_request_no);
	assert_int_equal(
	    mt_policy_request_join(MT_request_yes, MT_request_anonymous),
	    MT_request_anonymous);
}

/* Nobody can be asked about it, so its domain's refusal must not be missed. */
static void
what_is_too_long_to_be_asked_for_is_off(void **state)
{
	static const char domain[] = "@refuses.example";
	struct mt_policy *policy = policy_of(policy_many, policy_many_said);
	char longest[MT_MAX_ADDRESS + sizeof(domain)];
	struct mt_policy_rcpt to[2] = {
		{ .address = mt_str("vip@anon.example") },
		{ .address = { NULL, 0 } },
	};
	struct mt_policy_in in = { .sender = mt_str("alice@on.example"),
		.submitted = true,
		.rcpts = to,
		.rcpts_n = 2 };
	struct mt_policy_result got;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + MT_MAX_ADDRESS, domain, sizeof(domain));
	to[1].address = mt_str(longest);
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(got.mode, OFF);
	assert_int_equal(got.level, MT_level_recipient);
	assert_null(got.rule.p);
	assert_int_equal(to[0].mode, IDENT);
	assert_int_equal(to[1].mode, OFF);
	in.rcpts_n = 1;
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(got.mode, IDENT);
	in.user = mt_str(longest);
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(got.mode, OFF);
	assert_int_equal(got.level, MT_level_mailbox);
	in.user = mt_str(NULL);
	in.sender = mt_str(longest);
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(got.mode, OFF);
	in.sender = mt_str("<>"); /* is short enough */
	mt_policy_decide(policy, &in, &got);
	assert_int_equal(got.level, MT_level_none);
	mt_policy_unref(policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_combination_of_levels_gives_the_most_restrictive),
		cmocka_unit_test(the_cascade_decides),
		cmocka_unit_test(each_recipient_learns_what_its_own_rule_said),
		cmocka_unit_test(without_submission_or_snapshot_it_is_off),
		cmocka_unit_test(every_level_explains_itself),
		cmocka_unit_test(what_is_too_long_to_be_asked_for_is_off),
		cmocka_unit_test(requests_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
