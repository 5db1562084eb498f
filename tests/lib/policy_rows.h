/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots from tables of rows, for the tests of the policy room: rows end
 * with a NULL subject; policy_many is one of every sort.
 */
#ifndef TESTS_LIB_POLICY_ROWS_H
#define TESTS_LIB_POLICY_ROWS_H

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

/* Borrows rows and consents (either may be NULL); arrays of ROWS. */
struct mt_policy_source policy_source(const struct row *rows,
    const struct said *consents, struct mt_policy_rule *rules,
    struct mt_policy_consent *said);
/* The bytes of the snapshot; initialises out. */
void policy_bytes(
    const struct row *rows, const struct said *consents, struct mt_buf *out);
struct mt_policy *policy_of(
    const struct row *rows, const struct said *consents);

extern const struct row policy_many[];
extern const struct said policy_many_said[];

#endif
