/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl.h"
#include "json.h"
#include "policy/cascade.h"
#include "text.h"
#include "track.h"

#define RCPTS_MAX 100
#define STEPS_MAX (8 + 2 * RCPTS_MAX)

/* A step with its texts kept: they are scratch of the cascade. */
struct step {
	struct mt_policy_step step;
	char *asked; /* owned */
	char *subject; /* owned; NULL: none */
};

struct explanation {
	struct step steps[STEPS_MAX];
	size_t n;
	struct mt_policy_result result;
	const struct mt_policy *policy;
};

static void
keep_step(void *arg, const struct mt_policy_step *step)
{
	struct explanation *e = arg;
	struct step *s;

	if (e->n == STEPS_MAX)
		return;
	s = &e->steps[e->n++];
	*s = (struct step){ .step = *step, .asked = mt_str_dup(step->asked) };
	if (step->rule.subject.p != NULL)
		s->subject = mt_str_dup(step->rule.subject);
}

/* What a step said, in words. */
static void
add_words(const struct step *s, struct mt_buf *out)
{
	const struct mt_policy_step *step = &s->step;

	if (step->consent != MT_consent_absent) {
		mt_buf_printf(
		    out, "consent %s", mt_words_consent[step->consent]);
	} else if (step->level == MT_level_header) {
		mt_buf_z(out,
		    step->mode == MT_mode_absent ? "restricts nothing"
						 : "at_most ");
		if (step->mode != MT_mode_absent)
			mt_buf_z(out, mt_words_mode[step->mode]);
	} else if (!step->found) {
		mt_buf_z(out, step->counts ? "too long: off" : "no rule");
	} else {
		mt_buf_printf(out, "%s %s", mt_words_kind[step->rule.kind],
		    mt_words_mode[step->rule.mode]);
		if (!step->counts)
			mt_buf_z(out,
			    step->rule.kind == MT_kind_on_request
				? " (not requested)"
				: " (put aside by consent)");
	}
}

/* Is this the step that the result names? */
static bool
decided(const struct explanation *e, size_t i)
{
	const struct step *s = &e->steps[i];

	return s->step.counts && s->step.level == e->result.level &&
	    s->step.mode == e->result.mode &&
	    (e->result.rule.p == NULL ||
		(s->subject != NULL && mt_str_eqz(e->result.rule, s->subject)));
}

/* How a mark would look, as far as rules say; the rest is mailtrail-milter's.
 */
static void
print_manner(const struct mt_policy_result *r)
{
	struct mt_buf text;

	mt_buf_init(&text, 4 * MT_MAX_NOTICE);
	if (r->notice.p != NULL)
		ctl_clean(r->notice, &text);
	if (r->notice.n > 0)
		(void)printf("notice: %s\n", text.p);
	else if (r->notice.p != NULL)
		(void)printf("notice: none\n");
	mt_buf_done(&text);
	if (r->notice_plain != MT_answer_absent)
		(void)printf("notice in plain text: %s\n",
		    mt_words_answer[r->notice_plain]);
	if (r->quoted != MT_quotes_absent)
		(void)printf("quoted pixels: %s\n", mt_words_quotes[r->quoted]);
}

static void
print_text(const struct ctl *c, const struct explanation *e)
{
	static const char *const titles[] = { "level", "asked for", "rule of",
		"says", "" };
	struct ctl_table *t = ctl_table_new(5);
	const struct mt_policy_result *r = &e->result;
	struct mt_buf words;
	bool marked = false;
	size_t i;

	mt_buf_init(&words, 256);
	ctl_table_head(t, titles);
	for (i = 0; i < e->n; i++) {
		mt_buf_reset(&words);
		add_words(&e->steps[i], &words);
		ctl_table_cellz(
		    t, CTL_PLAIN, mt_words_level[e->steps[i].step.level]);
		ctl_table_cellz(t, CTL_PLAIN, e->steps[i].asked);
		ctl_table_cellz(t, CTL_PLAIN,
		    e->steps[i].subject != NULL ? e->steps[i].subject : "-");
		ctl_table_cell(t, e->steps[i].step.counts ? CTL_PLAIN : CTL_DIM,
		    mt_buf_view(&words));
		ctl_table_cellz(
		    t, CTL_BOLD, !marked && decided(e, i) ? "<- decided" : "");
		marked = marked || decided(e, i);
	}
	if (e->n > 0)
		ctl_table_print(t, stdout, c->color, 0);
	ctl_table_free(t);
	(void)fputs(e->n > 0 ? "\ntracking: " : "tracking: ", stdout);
	ctl_paint(stdout, c->color,
	    r->mode == MT_mode_off ? CTL_RED : CTL_GREEN,
	    mt_words_mode[r->mode]);
	if (r->rule.p != NULL) {
		mt_buf_reset(&words);
		ctl_clean(r->rule, &words);
		(void)printf(", decided by level %s, rule of %s\n",
		    mt_words_level[r->level], words.p);
	} else {
		(void)printf(" (%s: %s)\n", mt_words_level[r->level],
		    mt_words_level_docs[r->level]);
	}
	mt_buf_done(&words);
	if (r->mode != MT_mode_off)
		print_manner(r);
}

/* A word, null for what nobody said. */
static json_t *
json_word(const char *const *words, unsigned word)
{
	return word > 0 ? json_string(words[word]) : json_null();
}

static json_t *
json_step(const struct explanation *e, size_t i)
{
	const struct step *s = &e->steps[i];
	json_t *o = json_object();

	ctl_json_set(o, "level", json_string(mt_words_level[s->step.level]));
	ctl_json_set(o, "asked", ctl_json_str(mt_str(s->asked)));
	ctl_json_set(o, "rule", ctl_json_str(mt_str(s->subject)));
	ctl_json_set(o, "kind",
	    s->step.found ? json_string(mt_words_kind[s->step.rule.kind])
			  : json_null());
	ctl_json_set(o, "rule_mode",
	    s->step.found ? json_string(mt_words_mode[s->step.rule.mode])
			  : json_null());
	ctl_json_set(o, "consent",
	    s->step.consent != MT_consent_absent
		? json_string(mt_words_consent[s->step.consent])
		: json_null());
	ctl_json_set(o, "counts", json_boolean(s->step.counts));
	ctl_json_set(o, "at_most",
	    s->step.mode != MT_mode_absent
		? json_string(mt_words_mode[s->step.mode])
		: json_null());
	ctl_json_set(o, "decided", json_boolean(decided(e, i)));
	return o;
}

static void
print_json(const struct explanation *e)
{
	const struct mt_policy_result *r = &e->result;
	json_t *o = json_object(), *steps = json_array();
	size_t i;

	ctl_json_set(o, "mode", json_string(mt_words_mode[r->mode]));
	ctl_json_set(o, "level", json_string(mt_words_level[r->level]));
	ctl_json_set(o, "rule", ctl_json_str(r->rule));
	ctl_json_set(o, "notice", ctl_json_str(r->notice));
	ctl_json_set(
	    o, "notice_plain", json_word(mt_words_answer, r->notice_plain));
	ctl_json_set(o, "quoted", json_word(mt_words_quotes, r->quoted));
	ctl_json_set(o, "pixel_url", ctl_json_str(r->pixel_url));
	ctl_json_set(o, "snapshot_created",
	    e->policy != NULL ? ctl_json_time(mt_policy_created(e->policy))
			      : json_null());
	for (i = 0; i < e->n; i++)
		(void)json_array_append_new(steps, json_step(e, i));
	ctl_json_set(o, "steps", steps);
	ctl_json_print(o, stdout);
}

static enum mt_rc
read_request(struct ctl *c, const struct ctl_args *a,
    enum mt_request *ret_request, struct mt_err *err)
{
	const char *word = ctl_value(a, "request");

	*ret_request = MT_request_absent;
	if (word == NULL)
		return MT_OK;
	*ret_request = mt_word_find(mt_words_request, mt_str(word));
	if (*ret_request == MT_request_absent)
		return ctl_usage(c, err,
		    "--request: %s is none of yes, no, "
		    "anonymous",
		    mt_quotez(word).s);
	return MT_OK;
}

/* As the milter does it: without a snapshot all is off, and it says so. */
static void
decide(const struct ctl *c, const struct ctl_args *a, enum mt_request request,
    struct explanation *e)
{
	struct mt_policy_rcpt rcpts[RCPTS_MAX] = { { .mode = 0 } };
	struct mt_policy_in in = {
		.sender = mt_str(a->argv[0]),
		.user = mt_str(ctl_value(a, "user")),
		.submitted = !ctl_given(a, "incoming"),
		.request = request,
		.rcpts = rcpts,
		.rcpts_n = a->n - 1,
		.explain = keep_step,
		.arg = e,
	};
	size_t i;

	for (i = 1; i < a->n; i++)
		rcpts[i - 1].address = mt_str(a->argv[i]);
	mt_policy_decide(e->policy, &in, &e->result);
	if (ctl_given(a, "json"))
		print_json(e);
	else
		print_text(c, e);
}

static enum mt_rc
run_explain(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	char *path = mt_str_dup(c->o->policy_snapshot);
	struct explanation *e = mt_alloc(sizeof(*e));
	struct mt_policy *policy = NULL;
	enum mt_request request = MT_request_absent;
	enum mt_rc rc;
	size_t i;

	if ((rc = read_request(c, a, &request, err)) != MT_OK)
		goto out;
	if ((rc = mt_policy_open(path, &policy, err)) != MT_OK)
		(void)fprintf(stderr, "mailtrail: %s\n", err->msg);
	if (rc == MT_SYSTEM)
		goto out;
	e->policy = policy;
	decide(c, a, request, e);
	rc = MT_OK;
out:
	for (i = 0; i < e->n; i++) {
		mt_free(e->steps[i].asked);
		mt_free(e->steps[i].subject);
	}
	mt_policy_unref(policy);
	mt_free(e);
	mt_free(path);
	return rc;
}

static const struct ctl_opt opts[] = {
	{ "user", 'u', "LOGIN", "the login, when it is not the sender" },
	{ "request", 'r', "VALUE",
	    "X-Mailtrail-Open of the message: yes, no, anonymous" },
	{ "incoming", '\0', NULL,
	    "as if it was not submitted by one of our users" },
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_track_explain = {
	.name = "explain",
	.args = "SENDER [RECIPIENT]...",
	.does = "say what a message would get, and which rule decides",
	.more = "Asks the policy snapshot that mailtrail-milter goes by, "
		"and shows every level that was consulted, in its order.",
	.opts = opts,
	.min = 1,
	.max = 1 + RCPTS_MAX,
	.conf = true,
	.run = run_explain,
};
