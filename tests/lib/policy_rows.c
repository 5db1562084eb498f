/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy_rows.h"

struct mt_policy_source
policy_source(const struct row *rows, const struct said *consents,
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

void
policy_bytes(
    const struct row *rows, const struct said *consents, struct mt_buf *out)
{
	struct mt_policy_rule rules[ROWS];
	struct mt_policy_consent said[ROWS];
	struct mt_policy_source source =
	    policy_source(rows, consents, rules, said);
	struct mt_err err;

	mt_buf_init(out, 1 << 20);
	if (mt_policy_build(&source, out, &err) != MT_OK)
		fail_msg("%s", err.msg);
}

struct mt_policy *
policy_of(const struct row *rows, const struct said *consents)
{
	struct mt_policy *policy = NULL;
	struct mt_buf bytes;
	struct mt_err err;

	policy_bytes(rows, consents, &bytes);
	if (mt_policy_parse(mt_buf_view(&bytes), &policy, &err) != MT_OK)
		fail_msg("%s", err.msg);
	mt_buf_done(&bytes);
	return policy;
}

const struct row policy_many[] = {
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

const struct said policy_many_said[] = {
	{ "yes@anon.example", MT_consent_granted },
	{ "no@anon.example", MT_consent_granted },
	{ "Never@free.example", MT_consent_denied },
	{ "@refuses.example", MT_consent_denied },
	{ "one@refuses.example", MT_consent_granted },
	{ NULL, MT_consent_absent },
};
