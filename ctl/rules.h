/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables policy_rule and consent, and the snapshot made from them. Only
 * the command (and later the api) writes them. A change holds a lock of the
 * server until the snapshot stands, so that of two changes the later snapshot
 * is the newer one.
 */
#ifndef CTL_RULES_H
#define CTL_RULES_H

#include "base/buf.h"
#include "base/err.h"
#include "db/db.h"
#include "policy/snapshot.h"

#include "options.h"

/*
 * A subject as tables and snapshot hold it: lower case, an address without
 * <>, a domain without its last dot.
 */
void ctl_rule_subject(
    enum mt_scope scope, struct mt_str text, struct mt_buf *out);

/* All rules and consents; texts are owned. */
struct ctl_rules {
	struct mt_policy_rule *rules;
	size_t rules_n;
	struct mt_policy_consent *consents;
	size_t consents_n;
};

MT_MUST_CHECK enum mt_rc ctl_rules_load(
    struct mt_db *db, struct ctl_rules *ret_rules, struct mt_err *err);
void ctl_rules_done(struct ctl_rules *rules);
/* Write the snapshot from the tables. */
MT_MUST_CHECK enum mt_rc ctl_rules_snapshot(const struct ctl_options *o,
    struct mt_db *db, size_t *ret_n, struct mt_err *err);

/* Changes; *ret_changed: the table is not as it was. */
MT_MUST_CHECK enum mt_rc ctl_rule_set(
    struct mt_db *db, const struct mt_policy_rule *rule, struct mt_err *err);
MT_MUST_CHECK enum mt_rc ctl_rule_unset(struct mt_db *db, enum mt_scope scope,
    struct mt_str subject, bool *ret_changed, struct mt_err *err);
MT_MUST_CHECK enum mt_rc ctl_consent_set(struct mt_db *db,
    struct mt_str subject, enum mt_consent state, struct mt_str note,
    struct mt_err *err);
MT_MUST_CHECK enum mt_rc ctl_consent_unset(struct mt_db *db,
    struct mt_str subject, bool *ret_changed, struct mt_err *err);

MT_MUST_CHECK enum mt_rc ctl_rules_lock(struct mt_db *db, struct mt_err *err);
void ctl_rules_unlock(struct mt_db *db);

#endif
