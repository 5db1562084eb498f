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

/* Rows of agent_table that are words, by their first byte, 1-based chains. */
struct words {
	uint8_t first[256];
	uint8_t next[N(agent_table) + 1];
};

_Static_assert(N(agent_table) < 255, "a row's number is a byte");

struct pixel_rules {
	struct mt_net nets[N(net_table)];
	char *texts[N(agent_table)]; /* lower case, owned */
	size_t lengths[N(agent_table)];
	struct words words;
};

static bool
in_word(char c)
{
	return mt_is_alpha(c) || mt_is_digit(c);
}

static void
add_agent(struct pixel_rules *rules, size_t row)
{
	char *text = mt_dupz(agent_table[row].text);
	size_t at, n = strlen(text);
	uint8_t *chain;

	for (at = 0; at < n; at++)
		text[at] = mt_lower(text[at]);
	rules->texts[row] = text;
	rules->lengths[row] = n;
	if (agent_table[row].match != WORD)
		return;
	assert(in_word(text[0]) && in_word(text[n - 1]));
	chain = &rules->words.first[(unsigned char)text[0]];
	while (*chain != 0)
		chain = &rules->words.next[*chain];
	*chain = (uint8_t)(row + 1);
}

struct pixel_rules *
pixel_rules_new(void)
{
	struct pixel_rules *rules = mt_alloc(sizeof(*rules));
	size_t i;
	bool good;

	for (i = 0; i < N(net_table); i++) {
		good = net_table[i].net == NULL ||
		    mt_net_read(mt_str(net_table[i].net), &rules->nets[i]);
		assert(good);
	}
	for (i = 0; i < N(agent_table); i++)
		add_agent(rules, i);
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

/* The first row below `row` whose word begins at `at`; else row. */
static size_t
word_at(
    const struct pixel_rules *rules, struct mt_str agent, size_t at, size_t row)
{
	uint8_t i = rules->words.first[(unsigned char)agent.p[at]];
	size_t end;

	for (; i != 0 && (size_t)i - 1 < row; i = rules->words.next[i]) {
		end = at + rules->lengths[i - 1];
		if (end <= agent.n &&
		    memcmp(agent.p + at, rules->texts[i - 1], end - at) == 0 &&
		    (end == agent.n || !in_word(agent.p[end])))
			return (size_t)i - 1;
	}
	return row;
}

/* The first row that matches, N(agent_table) when none does. */
static size_t
find_agent(const struct pixel_rules *rules, struct mt_str agent)
{
	size_t i, n, row = N(agent_table);

	for (i = 0; i < N(agent_table) && row == N(agent_table); i++) {
		n = rules->lengths[i];
		if (agent_table[i].match != WORD && agent.n >= n &&
		    (agent_table[i].match == SUFFIX || agent.n == n) &&
		    memcmp(agent.p + agent.n - n, rules->texts[i], n) == 0)
			row = i;
	}
	for (i = 0; i < agent.n; i++)
		if (in_word(agent.p[i]) && (i == 0 || !in_word(agent.p[i - 1])))
			row = word_at(rules, agent, i, row);
	return row;
}

static pixel_facts
judge_agent(const struct pixel_rules *rules, struct mt_str agent,
    enum mt_agent *ret_family)
{
	size_t row;

	if (agent.n < AGENT_LEAST) {
		*ret_family = MT_agent_none;
		return PIXEL_FACT(no_ua);
	}
	row = find_agent(rules, agent);
	if (row == N(agent_table)) {
		*ret_family = MT_agent_other;
		return 0;
	}
	*ret_family = agent_table[row].family;
	return (pixel_facts)1 << agent_table[row].rule;
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
