/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sum.h"
#include "policy/cascade.h"
#include "policy/snapshot.h"

#define CREATED INT64_C(1795000000000000)

struct row {
	enum mt_scope scope;
	const char *subject;
	enum mt_kind kind;
	enum mt_mode mode;
	const char *notice;
	const char *url;
};

struct said {
	const char *subject;
	enum mt_consent state;
};

#define G MT_scope_global
#define D MT_scope_domain
#define M MT_scope_mailbox
#define R MT_scope_recipient
#define SET MT_kind_set
#define AT_MOST MT_kind_at_most
#define ON_REQUEST MT_kind_on_request
#define OFF MT_mode_off
#define ANON MT_mode_anonymous
#define PSEUDO MT_mode_pseudonymous
#define IDENT MT_mode_identified
#define ROWS 32

static struct mt_policy_source
source_of(const struct row *rows, const struct said *consents,
    struct mt_policy_rule *rules, struct mt_policy_consent *said)
{
	struct mt_policy_source source = {
		.rules = rules, .consents = said, .created = CREATED
	};
	size_t i;

	for (i = 0; rows != NULL && rows[i].subject != NULL; i++) {
		rules[i] = (struct mt_policy_rule){ .scope = rows[i].scope,
			.subject = mt_str(rows[i].subject),
			.kind = rows[i].kind,
			.mode = rows[i].mode,
			.notice = mt_str(rows[i].notice),
			.pixel_url = mt_str(rows[i].url) };
		source.rules_n++;
	}
	for (i = 0; consents != NULL && consents[i].subject != NULL; i++) {
		said[i].subject = mt_str(consents[i].subject);
		said[i].state = consents[i].state;
		source.consents_n++;
	}
	return source;
}

static void
build(const struct row *rows, const struct said *consents, struct mt_buf *out)
{
	struct mt_policy_rule rules[ROWS];
	struct mt_policy_consent said[ROWS];
	struct mt_policy_source source = source_of(rows, consents, rules, said);
	struct mt_err err;

	mt_buf_init(out, 1 << 20);
	if (mt_policy_build(&source, out, &err) != MT_OK)
		fail_msg("%s", err.msg);
}

static struct mt_policy *
policy_of(const struct row *rows, const struct said *consents)
{
	struct mt_policy *policy = NULL;
	struct mt_buf bytes;
	struct mt_err err;

	build(rows, consents, &bytes);
	if (mt_policy_parse(mt_buf_view(&bytes), &policy, &err) != MT_OK)
		fail_msg("%s", err.msg);
	mt_buf_done(&bytes);
	return policy;
}

/* ---- the cascade ---- */

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

/* The rule in one line: the lowest ceiling, if anything was set. */
static enum mt_mode
expected(const size_t *level, enum mt_request request, char consent)
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
	size_t i;

	(void)snprintf(user, sizeof(user), "u%zu", level[2]);
	(void)snprintf(sender, sizeof(sender), "s%zu@d%zu", level[3], level[1]);
	in.user = mt_str(user);
	in.sender = mt_str(sender);
	for (request = 0; request < MT_request_end; request++) {
		in.request = (enum mt_request)request;
		for (i = 0; i < 3; i++) {
			(void)snprintf(rcpt, sizeof(rcpt), "%c%zu@x",
			    consents[i], level[4]);
			to.address = mt_str(rcpt);
			mt_policy_decide(policy, &in, &got);
			want = expected(level, in.request, consents[i]);
			if (got.mode != want)
				fail_msg("global %zu %s %s %s request %u: "
					 "%s, not %s",
				    level[0], sender, user, rcpt, request,
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

static const struct row many[] = {
	{ G, "*", AT_MOST, IDENT, "global notice", "https://g.example" },
	{ D, "*", AT_MOST, PSEUDO, NULL, NULL },
	{ D, "On.Example", SET, IDENT, "domain notice", NULL },
	{ D, "ask.example", ON_REQUEST, IDENT, NULL, "https://ask.example/p" },
	{ M, "@on.example", AT_MOST, PSEUDO, NULL, NULL },
	{ M, "Alice@on.example", AT_MOST, IDENT, "", NULL },
	{ M, "alice+off@on.example", SET, OFF, NULL, NULL },
	{ M, "carl", SET, ANON, "carl's notice", NULL },
	{ M, "info@on.example", AT_MOST, IDENT, "info's notice", NULL },
	{ R, "*", AT_MOST, PSEUDO, NULL, NULL },
	{ R, "@anon.example", AT_MOST, ANON, NULL, NULL },
	{ R, "vip@anon.example", AT_MOST, IDENT, NULL, NULL },
	{ R, "no@anon.example", AT_MOST, OFF, NULL, NULL },
	{ R, "postmaster", AT_MOST, OFF, NULL, NULL },
	{ R, "turn@on.too", SET, ANON, NULL, NULL },
	{ G, NULL, MT_kind_absent, MT_mode_absent, NULL, NULL },
};

static const struct said many_said[] = {
	{ "yes@anon.example", MT_consent_granted },
	{ "no@anon.example", MT_consent_granted },
	{ "Never@free.example", MT_consent_denied },
	{ "@refuses.example", MT_consent_denied },
	{ "one@refuses.example", MT_consent_granted },
	{ NULL, MT_consent_absent },
};

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
	struct mt_policy *policy = policy_of(many, many_said);
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
	struct mt_policy *policy = policy_of(many, many_said);
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
	struct mt_policy *policy = policy_of(many, many_said);
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
	struct mt_policy *policy = policy_of(many, many_said);
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
}

/* ---- the builder ---- */

static void
wrong_rules_are_named(void **state)
{
	static const struct {
		struct row row;
		const char *msg;
	} cases[] = {
		{ { G, "example.org", SET, OFF, NULL, NULL },
		    "global rule 'example.org': is no subject of this scope" },
		{ { D, "a@b.example", SET, OFF, NULL, NULL },
		    "domain rule 'a@b.example': is no subject of this scope" },
		{ { D, "", SET, OFF, NULL, NULL },
		    "domain rule '': is no subject of this scope" },
		{ { M, "a b@c.example", SET, OFF, NULL, NULL },
		    "mailbox rule 'a b@c.example': is no subject of this "
		    "scope" },
		{ { R, "@", SET, OFF, NULL, NULL },
		    "recipient rule '@': is no subject of this scope" },
		{ { M, "a@b.example", MT_kind_absent, OFF, NULL, NULL },
		    "mailbox rule 'a@b.example': has no kind" },
		{ { M, "a@b.example", SET, MT_mode_absent, NULL, NULL },
		    "mailbox rule 'a@b.example': has no mode" },
		{ { M, "a@b.example", SET, MT_mode_end, NULL, NULL },
		    "mailbox rule 'a@b.example': has no mode" },
		{ { MT_scope_absent, "*", SET, OFF, NULL, NULL },
		    " rule '*': has no scope" },
		{ { D, "b.example", SET, ANON, "\xff", NULL },
		    "domain rule 'b.example': the notice is not UTF-8" },
		{ { D, "b.example", SET, ANON, NULL, "ftp://x" },
		    "domain rule 'b.example': the pixel URL is not an http or "
		    "https URL of at most 800 characters" },
		{ { D, "b.example", SET, ANON, NULL, "https://x/\"" }, NULL },
		{ { D, "b.example", SET, ANON, NULL, "https://x y" },
		    "domain rule 'b.example': the pixel URL is not an http or "
		    "https URL of at most 800 characters" },
	};
	struct mt_policy_rule rules[ROWS];
	struct row rows[2] = { { .subject = NULL }, { .subject = NULL } };
	struct mt_policy_source source;
	struct mt_buf out;
	struct mt_err err;
	enum mt_rc rc;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rows[0] = cases[i].row;
		source = source_of(rows, NULL, rules, NULL);
		mt_buf_init(&out, 1 << 20);
		rc = mt_policy_build(&source, &out, &err);
		mt_buf_done(&out);
		if (cases[i].msg == NULL) {
			assert_int_equal(rc, MT_OK);
			continue;
		}
		assert_int_equal(rc, MT_CONFIG);
		assert_string_equal(err.msg, cases[i].msg);
	}
}

static void
two_rules_for_one_subject_are_refused(void **state)
{
	static const struct row rows[] = {
		{ M, "a@b.example", SET, ANON, NULL, NULL },
		{ M, "A@B.Example", SET, OFF, NULL, NULL },
		{ G, NULL, MT_kind_absent, MT_mode_absent, NULL, NULL },
	};
	static const struct said refused[] = {
		{ "a@b.example", MT_consent_denied },
		{ "A@b.example", MT_consent_granted },
		{ NULL, MT_consent_absent },
	};
	struct mt_policy_rule rules[ROWS];
	struct mt_policy_source source = source_of(rows, NULL, rules, NULL);
	struct mt_policy *policy;
	struct mt_buf out;
	struct mt_err err;

	(void)state;
	mt_buf_init(&out, 1 << 20);
	assert_int_equal(mt_policy_build(&source, &out, &err), MT_CONFIG);
	assert_string_equal(
	    err.msg, "mailbox rule 'A@B.Example': there are two rules for it");
	mt_buf_done(&out);
	policy = policy_of(NULL, refused);
	assert_int_equal(mt_policy_count(policy), 1);
	assert_int_equal(mt_policy_find_consent(policy, MT_LIT("a@b.example")),
	    MT_consent_denied);
	mt_policy_unref(policy);
}

static void
many_rules_are_all_found(void **state)
{
	enum { N = 20000 };
	struct mt_policy_rule *rules = mt_alloc_array(N, sizeof(*rules));
	char(*names)[32] = mt_alloc_array(N, sizeof(*names));
	struct mt_policy_source source = { .rules = rules, .rules_n = N };
	struct mt_policy *policy = NULL;
	struct mt_policy_rule got;
	struct mt_buf bytes;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < N; i++) {
		(void)snprintf(
		    names[i], sizeof(names[i]), "user%zu@example.org", i);
		rules[i] = (struct mt_policy_rule){ .scope = M,
			.subject = mt_str(names[i]),
			.kind = SET,
			.mode = (enum mt_mode)(1 + i % 4) };
	}
	mt_buf_init(&bytes, 1 << 24);
	assert_int_equal(mt_policy_build(&source, &bytes, &err), MT_OK);
	assert_int_equal(
	    mt_policy_parse(mt_buf_view(&bytes), &policy, &err), MT_OK);
	assert_int_equal(mt_policy_count(policy), N);
	for (i = 0; i < N; i++) {
		assert_true(
		    mt_policy_find_rule(policy, M, mt_str(names[i]), &got));
		assert_int_equal(got.mode, 1 + i % 4);
		assert_false(
		    mt_policy_find_rule(policy, R, mt_str(names[i]), &got));
	}
	mt_policy_unref(policy);
	mt_buf_done(&bytes);
	mt_free(rules);
	mt_free(names);
}

/* ---- the file ---- */

static void
put32(struct mt_buf *b, size_t at, uint32_t v)
{
	size_t i;

	for (i = 0; i < 4; i++)
		b->p[at + i] = (char)(v >> (8 * i));
}

static void
assert_refused(struct mt_buf *b, const char *msg)
{
	struct mt_policy *policy = NULL;
	struct mt_err err;

	assert_int_equal(
	    mt_policy_parse(mt_buf_view(b), &policy, &err), MT_FORMAT);
	if (strcmp(err.msg, msg) != 0)
		fail_msg("'%s', not '%s'", err.msg, msg);
}

/* Change four bytes and set the checksum right again. */
static void
assert_patched_refused(size_t at, uint32_t v, const char *msg)
{
	struct mt_buf b;

	build(many, many_said, &b);
	put32(&b, at, v);
	put32(&b, b.n - 4, mt_sum(0, b.p, b.n - 4));
	assert_refused(&b, msg);
	mt_buf_done(&b);
}

static void
a_damaged_snapshot_is_refused(void **state)
{
	struct mt_policy *policy = NULL;
	struct mt_err err;
	struct mt_buf b, part;
	char msg[128];
	size_t i;

	(void)state;
	build(many, many_said, &b);
	for (i = 0; i < b.n; i++) { /* cut anywhere */
		mt_buf_init(&part, 1 << 20);
		mt_buf_add(&part, b.p, i);
		if (i < 52)
			(void)snprintf(
			    msg, sizeof(msg), "is only %zu bytes long", i);
		else
			(void)snprintf(msg, sizeof(msg),
			    "has %zu bytes and should have %zu", i, b.n);
		assert_refused(&part, msg);
		mt_buf_done(&part);
	}
	for (i = 0; i < b.n; i++) { /* flipped anywhere */
		b.p[i] = (char)(b.p[i] ^ 0x10);
		assert_int_equal(
		    mt_policy_parse(mt_buf_view(&b), &policy, &err), MT_FORMAT);
		b.p[i] = (char)(b.p[i] ^ 0x10);
	}
	mt_buf_c(&b, 'x');
	assert_int_equal(
	    mt_policy_parse(mt_buf_view(&b), &policy, &err), MT_FORMAT);
	mt_buf_done(&b);
	assert_patched_refused(0, 0, "is not a policy snapshot");
	assert_patched_refused(8, 2, "version 2 is newer than ours (1)");
	assert_patched_refused(8, 0, "version 0 is unknown");
	assert_patched_refused(12, 21, "its tables do not fit");
	assert_patched_refused(28, 0xffffffff, "its time is none");
	assert_patched_refused(40, 0, "its table has a wrong size");
	assert_patched_refused(40, 48, "its table has a wrong size");
	assert_patched_refused(40, 0x80000000, "its tables do not fit");
	assert_patched_refused(44, 0xffffffff, "its tables do not fit");
	/* 20 entries in 64 slots: the tables begin at 48, 304 and 944 */
	assert_patched_refused(308, 0, "entry 0 is wrong");
	assert_patched_refused(304, 0, "entry 0 is out of place");
	assert_patched_refused(312, 0xfffffff0, "entry 0 is wrong");
	assert_patched_refused(312, 100, "entry 0 is wrong");
	assert_patched_refused(324, 100000, "entry 0 is wrong");
	assert_patched_refused(324, 0, "entry 0 is wrong");
}

static void
make_dir(char *dir, size_t n)
{
	(void)snprintf(dir, n, "/tmp/test_policy.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static void
write_policy(const char *path, enum mt_mode mode)
{
	struct row rows[2] = { { G, "*", SET, mode, NULL, NULL },
		{ .subject = NULL } };
	struct mt_policy_rule rules[ROWS];
	struct mt_policy_source source = source_of(rows, NULL, rules, NULL);
	struct mt_err err;

	if (mt_policy_write(path, &source, &err) != MT_OK)
		fail_msg("%s", err.msg);
}

static void
a_file_is_written_at_once(void **state)
{
	char dir[64], path[96], msg[160];
	struct mt_policy *policy = NULL;
	struct stat st;
	struct mt_err err;

	(void)state;
	make_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/policy", dir);
	assert_int_equal(mt_policy_open(path, &policy, &err), MT_ABSENT);
	(void)snprintf(msg, sizeof(msg), "%s: there is no such file", path);
	assert_string_equal(err.msg, msg);
	write_policy(path, ANON);
	write_policy(path, IDENT);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(mt_policy_open(path, &policy, &err), MT_OK);
	assert_int_equal(mt_policy_created(policy), CREATED);
	mt_policy_unref(policy);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left */
	assert_int_equal(mt_policy_open("/tmp", &policy, &err), MT_FORMAT);
	assert_string_equal(err.msg, "/tmp: is not a file");
}

/* off when there is no policy at all */
static enum mt_mode
watched_mode(struct mt_policy_watch *watch, struct mt_err *err)
{
	struct mt_policy *policy = mt_policy_watch_get(watch, err);
	struct mt_policy_in in = { .sender = mt_str("a@b.example"),
		.submitted = true };
	struct mt_policy_result got;

	mt_policy_decide(policy, &in, &got);
	mt_policy_unref(policy);
	return got.mode;
}

static void
a_watch_keeps_the_last_good_snapshot(void **state)
{
	struct mt_policy_watch *watch;
	char dir[64], path[96];
	struct mt_err err;
	struct stat st;
	int fd;

	(void)state;
	make_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/policy", dir);
	watch = mt_policy_watch_new(path);
	assert_int_equal(watched_mode(watch, &err), OFF);
	assert_int_equal(err.rc, MT_ABSENT);
	assert_int_equal(watched_mode(watch, &err), OFF);
	assert_int_equal(err.rc, MT_OK); /* said once */
	write_policy(path, ANON);
	assert_int_equal(watched_mode(watch, &err), OFF); /* not looked yet */
	mt_policy_watch_again(watch);
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_OK);

	assert_int_equal(stat(path, &st), 0); /* cut in half, in place */
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	mt_policy_watch_again(watch);
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_FORMAT);
	assert_int_equal(unlink(path), 0);
	mt_policy_watch_again(watch);
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_ABSENT);
	fd = open(path, O_WRONLY | O_CREAT, 0600); /* empty */
	assert_true(fd >= 0);
	close(fd);
	usleep(1100000); /* found without being told */
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_FORMAT);
	write_policy(path, IDENT);
	usleep(1100000);
	assert_int_equal(watched_mode(watch, &err), IDENT);
	mt_policy_watch_free(watch);
	unlink(path);
	rmdir(dir);
}

struct crowd {
	struct mt_policy_watch *watch;
	bool failed;
};

static void *
ask_often(void *arg)
{
	struct crowd *crowd = arg;
	struct mt_err err;
	enum mt_mode mode;
	size_t i;

	for (i = 0; i < 2000; i++) {
		mode = watched_mode(crowd->watch, &err);
		if (mode != ANON && mode != IDENT)
			return arg;
	}
	return NULL;
}

static void
threads_share_a_watch_while_it_changes(void **state)
{
	pthread_t threads[8];
	char dir[64], path[96];
	struct crowd crowd = { .failed = false };
	struct mt_err err;
	void *bad;
	size_t i;

	(void)state;
	make_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/policy", dir);
	write_policy(path, ANON);
	crowd.watch = mt_policy_watch_new(path);
	assert_int_equal(watched_mode(crowd.watch, &err), ANON);
	for (i = 0; i < 8; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
	for (i = 0; i < 50; i++) {
		write_policy(path, i % 2 ? ANON : IDENT);
		mt_policy_watch_again(crowd.watch);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		crowd.failed = crowd.failed || bad != NULL;
	}
	assert_false(crowd.failed);
	mt_policy_watch_free(crowd.watch);
	unlink(path);
	rmdir(dir);
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
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(wrong_rules_are_named),
		cmocka_unit_test(two_rules_for_one_subject_are_refused),
		cmocka_unit_test(many_rules_are_all_found),
		cmocka_unit_test(a_damaged_snapshot_is_refused),
		cmocka_unit_test(a_file_is_written_at_once),
		cmocka_unit_test(a_watch_keeps_the_last_good_snapshot),
		cmocka_unit_test(threads_share_a_watch_while_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
