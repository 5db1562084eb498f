/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on a fetch: class, certainty, and the codes of the rules that
 * spoke (rules.def). Pure: the same facts give the same verdict. Verdicts of
 * the pixel are provisional; the collector, which knows when the copy was
 * delivered, judges again.
 */
#ifndef PIXEL_JUDGE_H
#define PIXEL_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "base/words.h"

#define PIXEL_RULES_VERSION 1

enum pixel_rule {
#define RULE(code, kind, class, certainty, doc) PIXEL_RULE_##code,
#include "rules.def"
#undef RULE
	PIXEL_RULES
};

typedef uint32_t pixel_facts; /* rules that hold, one bit each */
#define PIXEL_FACT(code) ((pixel_facts)1 << PIXEL_RULE_##code)

#define PIXEL_REASONS_MAX 200 /* as the event's field */

struct pixel_verdict {
	enum mt_class class;
	enum mt_certainty certainty;
	enum mt_agent agent;
	char reasons[PIXEL_REASONS_MAX + 1]; /* codes, one space apart */
};

struct pixel_rules; /* the tables, made ready; immutable */

struct pixel_rules *pixel_rules_new(void);
void pixel_rules_free(struct pixel_rules *rules); /* NULL is fine */
/*
 * agent: lower case, trimmed. asn: 0 when not known. facts: what the request
 * itself said.
 */
void pixel_judge(const struct pixel_rules *rules, struct mt_str agent,
    const struct mt_ip *client, uint32_t asn, pixel_facts facts,
    struct pixel_verdict *ret_verdict);

#endif
