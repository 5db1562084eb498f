/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes are either refused or a snapshot all of whose lookups stay in
 * bounds (the sanitizers watch) and end. The checksum and the size, which no
 * fuzzer finds, are set right first.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/sum.h"
#include "policy/cascade.h"
#include "policy/snapshot.h"

#define HEAD 48

static size_t
sum_text(struct mt_str s)
{
	size_t i, sum = s.n;

	for (i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
	return sum;
}

/* Whatever the hook says: it never allows more than there was, once on. */
static void
check_hook(const struct mt_policy *policy, struct mt_policy_in *in,
    const struct mt_policy_result *without)
{
	struct mt_policy_result with;
	unsigned mode, sets;

	for (mode = MT_mode_off; mode < MT_mode_end; mode++)
		for (sets = 0; sets < 2; sets++) {
			in->hook = (enum mt_mode)mode;
			in->hook_sets = sets != 0;
			mt_policy_decide(policy, in, &with);
			assert(with.mode <= mode);
			assert(with.mode <= without->mode ||
			    (sets != 0 && without->level == MT_level_none));
			assert(mt_str_eq(with.notice, without->notice));
		}
	in->hook = MT_mode_absent;
}

static size_t
look_up(const struct mt_policy *policy, struct mt_str text)
{
	struct mt_policy_rcpt rcpts[2] = { { .address = text },
		{ .address = MT_LIT("b+c@example.org") } };
	struct mt_policy_in in = { .sender = text,
		.user = MT_LIT("alice@example.org"),
		.submitted = true,
		.request = MT_request_yes,
		.rcpts = rcpts,
		.rcpts_n = 2 };
	struct mt_policy_result result;
	struct mt_policy_rule rule;
	size_t sum = 0;
	unsigned scope;

	for (scope = MT_scope_global; scope < MT_scope_end; scope++)
		if (mt_policy_find_rule(
			policy, (enum mt_scope)scope, text, &rule))
			sum += sum_text(rule.subject) + sum_text(rule.notice) +
			    sum_text(rule.pixel_url);
	sum += mt_policy_find_consent(policy, text);
	mt_policy_decide(policy, &in, &result);
	assert(result.mode > MT_mode_absent && result.mode < MT_mode_end);
	assert(result.level > MT_level_absent && result.level < MT_level_end);
	assert(result.notice_plain < MT_answer_end);
	assert(result.quoted < MT_quotes_end);
	check_hook(policy, &in, &result);
	return sum + sum_text(result.rule) + sum_text(result.notice) +
	    sum_text(result.pixel_url) + sum_text(rcpts[0].rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mt_policy *policy = NULL;
	struct mt_err err;
	uint8_t *copy = mt_alloc(n);
	uint32_t sum;
	size_t i;

	if (n > 0)
		memcpy(copy, data, n);
	if (n >= HEAD + 4) {
		for (i = 0; i < 8; i++)
			copy[16 + i] = (uint8_t)((uint64_t)n >> (8 * i));
		sum = mt_sum(0, copy, n - 4);
		for (i = 0; i < 4; i++)
			copy[n - 4 + i] = (uint8_t)(sum >> (8 * i));
	}
	if (mt_policy_parse(mt_str_n((const char *)copy, n), &policy, &err) ==
	    MT_OK) {
		(void)look_up(policy, MT_LIT("alice@example.org"));
		(void)look_up(policy, MT_LIT("example.org"));
		(void)look_up(policy, MT_LIT("*"));
		(void)look_up(policy, MT_LIT(""));
		for (i = HEAD; i + 8 < n; i += 7) /* texts it may well hold */
			(void)look_up(
			    policy, mt_str_n((const char *)copy + i, 8));
		mt_policy_unref(policy);
	}
	mt_free(copy);
	return 0;
}
