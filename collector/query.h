/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A statement under construction: its text, and the arguments for its '?'.
 * Texts given as arguments are borrowed until query_run.
 */
#ifndef COLLECTOR_QUERY_H
#define COLLECTOR_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "db/db.h"

/* Tokens and messages asked for in one statement. */
#define QUERY_TOKENS 500u
#define QUERY_MESSAGES 100u
#define QUERY_ARGS (QUERY_TOKENS + 3 * QUERY_MESSAGES + 4)

struct query {
	struct mt_db *db;
	struct mt_buf sql;
	struct mt_buf text; /* arguments that are no texts */
	struct mt_str args[QUERY_ARGS];
	size_t n;
};

void query_init(struct query *q, struct mt_db *db);
void query_done(struct query *q);
void query_begin(struct query *q, const char *sql);
void query_add(struct query *q, const char *sql);
void query_text(struct query *q, struct mt_str arg);
void query_time(struct query *q, int64_t at);
void query_num(struct query *q, uint64_t n);
/*
 * A message's key; the first one begins " (a.born, a.host, a.queue_id) IN (",
 * and the caller ends with ")".
 */
void query_message(struct query *q, const char *a, int64_t born,
    struct mt_str host, struct mt_str queue_id);
MT_MUST_CHECK enum mt_rc query_run(
    struct query *q, struct mt_rows **ret_rows, struct mt_err *err);
/* A statement without rows. */
MT_MUST_CHECK enum mt_rc query_do(struct query *q, struct mt_err *err);

#endif
