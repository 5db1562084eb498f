/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#define AGENT_LEAST 10 /* an agent below that says nothing */

enum kind { NETWORK, REQUEST, AGENT };

enum match { EXACT, SUFFIX, WORD };

/* clang-format off */
static const struct {
	const char *code;
	enum kind kind;
	enum mt_class class;
	enum mt_certainty certainty;
} rule_table[] = {
#define RULE(code, kind, class, certainty, doc) \
	{ #code, kind, MT_class_##class, MT_certainty_##certainty },
#include "rules.def"
#undef RULE
};

static const struct {
	enum mt_agent family;
	enum pixel_rule rule;
	enum match match;
	const char *text;
} agent_table[] = {
#define AGENT(family, rule, match, text, source) \
	{ MT_agent_##family, PIXEL_RULE_##rule, match, text },
#include "agents.def"
#undef AGENT
};

static const struct {
	const char *net; /* NULL: asn */
	enum pixel_rule rule;
	uint32_t asn;
} net_table[] = {
#define NET(rule, net, source) { net, PIXEL_RULE_##rule, 0 },
#define ASN(rule, asn, source) { NULL, PIXEL_RULE_##rule, asn },
#include "networks.def"
#undef NET
#undef ASN
};
/* clang-format on */

#define N(a) (sizeof(a) / sizeof((a)[0]))

_Static_assert(PIXEL_RULES <= 32, "a fact is a bit of pixel_facts");

struct pixel_rules {
	struct mt_net nets[N(net_table)];
	char *texts[N(agent_table)]; /* lower case, owned */
	size_t lengths[N(agent_table)];
};

struct pixel_rules *
pixel_rules_new(void)
{
	struct pixel_rules *rules = mt_alloc(sizeof(*rules));
	size_t i, at;
	bool good;

	for (i = 0; i < N(net_table); i++) {
		good = net_table[i].net == NULL ||
		    mt_net_read(mt_str(net_table[i].net), &rules->nets[i]);
		assert(good);
	}
	for (i = 0; i < N(agent_table); i++) {
		rules->texts[i] = mt_dupz(agent_table[i].text);
		rules->lengths[i] = strlen(agent_table[i].text);
		for (at = 0; at < rules->lengths[i]; at++)
			rules->texts[i][at] = mt_lower(rules->texts[i][at]);
	}
	return rules;
}

void
pixel_rules_free(struct pixel_rules *rules)
{
	size_t i;

	if (rules == NULL)
		return;
	for (i = 0; i < N(agent_table); i++)
		mt_free(rules->texts[i]);
	mt_free(rules);
}

static bool
in_word(char c)
{
	return mt_is_alpha(c) || mt_is_digit(c);
}

static bool
has_word(struct mt_str s, const char *word, size_t n)
{
	const char *at = s.p, *end = s.p + s.n;

	while (at != NULL && (size_t)(end - at) >= n) {
		at = memmem(at, (size_t)(end - at), word, n);
		if (at == NULL)
			return false;
		if ((at == s.p || !in_word(at[-1]) || !in_word(word[0])) &&
		    (at + n == end || !in_word(at[n]) || !in_word(word[n - 1])))
			return true;
		at++;
	}
	return false;
}

static bool
matches(struct mt_str agent, enum match match, const char *text, size_t n)
{
	if (agent.n < n)
		return false;
	if (match == WORD)
		return has_word(agent, text, n);
	if (match == EXACT && agent.n != n)
		return false;
	return memcmp(agent.p + agent.n - n, text, n) == 0;
}

static pixel_facts
judge_agent(const struct pixel_rules *rules, struct mt_str agent,
    enum mt_agent *ret_family)
{
	size_t i;

	if (agent.n < AGENT_LEAST) {
		*ret_family = MT_agent_none;
		return PIXEL_FACT(no_ua);
	}
	for (i = 0; i < N(agent_table); i++)
		if (matches(agent, agent_table[i].match, rules->texts[i],
			rules->lengths[i])) {
			*ret_family = agent_table[i].family;
			return (pixel_facts)1 << agent_table[i].rule;
		}
	*ret_family = MT_agent_other;
	return 0;
}

static pixel_facts
judge_network(
    const struct pixel_rules *rules, const struct mt_ip *client, uint32_t asn)
{
	pixel_facts facts = 0;
	size_t i;

	for (i = 0; i < N(net_table); i++)
		if (net_table[i].net != NULL
			? mt_net_has(&rules->nets[i], client)
			: asn != 0 && net_table[i].asn == asn)
			facts |= (pixel_facts)1 << net_table[i].rule;
	return facts;
}

/* Does another kind of fact say the same class? */
static bool
seconded(pixel_facts facts, size_t first)
{
	size_t i;

	for (i = first + 1; i < PIXEL_RULES; i++)
		if ((facts & (pixel_facts)1 << i) != 0 &&
		    rule_table[i].class == rule_table[first].class &&
		    rule_table[i].kind != rule_table[first].kind)
			return true;
	return false;
}

static void
add_reason(struct pixel_verdict *verdict, const char *code)
{
	size_t n = strlen(verdict->reasons), more = strlen(code);

	if (n + more + 1 > PIXEL_REASONS_MAX)
		return;
	if (n > 0)
		verdict->reasons[n++] = ' ';
	memcpy(verdict->reasons + n, code, more + 1);
}

void
pixel_judge(const struct pixel_rules *rules, struct mt_str agent,
    const struct mt_ip *client, uint32_t asn, pixel_facts facts,
    struct pixel_verdict *ret_verdict)
{
	struct pixel_verdict verdict = { .class = MT_class_absent };
	size_t i;

	facts |= judge_agent(rules, agent, &verdict.agent);
	facts |= judge_network(rules, client, asn);
	for (i = 0; i < PIXEL_RULES; i++) {
		if ((facts & (pixel_facts)1 << i) == 0)
			continue;
		add_reason(&verdict, rule_table[i].code);
		if (verdict.class != MT_class_absent ||
		    rule_table[i].class == MT_class_absent)
			continue;
		verdict.class = rule_table[i].class;
		verdict.certainty = seconded(facts, i)
		    ? MT_certainty_certain
		    : rule_table[i].certainty;
	}
	if (verdict.class == MT_class_absent) {
		verdict.class = MT_class_unknown;
		verdict.certainty = MT_certainty_probable;
	}
	*ret_verdict = verdict;
}
