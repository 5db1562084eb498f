/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The field kernel: one member of a C struct, described so that plain loops
 * can read it from text, write it as text, tell whether it is absent and name
 * its SQL type. Events, options and result rows are tables of these.
 *
 * Two conventions keep it small: the all-zero member means absent (not sent,
 * SQL NULL; a field where 0 has a meaning is MT_REQ), and texts are borrowed,
 * so a described struct owns nothing.
 *
 *   type   C type          text
 *   BOOL   bool            yes | no            (true | false, 1 | 0 are read)
 *   NUM    uint64_t        decimal
 *   SIZE   uint64_t        bytes: decimal, with k, m or g when read
 *   DEC    int64_t         thousandths: decimal, at most three digits behind
 *                          the point
 *   TIME   int64_t         RFC 3339 with µs (clock.h)
 *   IP     struct mt_ip    canonical text
 *   STR    struct mt_str   clean UTF-8 (utf8.h)
 *   ENUM   unsigned        a word of words.def
 */
#ifndef MT_BASE_FIELD_H
#define MT_BASE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/str.h"
#include "base/words.h"

#define MT_CTYPE_BOOL bool
#define MT_CTYPE_NUM uint64_t
#define MT_CTYPE_SIZE uint64_t
#define MT_CTYPE_DEC int64_t
#define MT_CTYPE_TIME int64_t
#define MT_CTYPE_IP struct mt_ip
#define MT_CTYPE_STR struct mt_str
#define MT_CTYPE_ENUM unsigned

enum mt_type {
	MT_BOOL,
	MT_NUM,
	MT_SIZE,
	MT_DEC,
	MT_TIME,
	MT_IP,
	MT_STR,
	MT_ENUM
};

#define MT_REQ 1u /* must be given; its zero is a value */
#define MT_KEY 2u /* part of the natural key; implies MT_REQ */
#define MT_PII 4u /* personal data: masked in logs, subject to retention */
#define MT_SECRET 8u /* the path of a secret; never shown as content */

struct mt_field {
	const char *name; /* wire name = column name = option name */
	enum mt_type type;
	unsigned flags;
	size_t off;
	uint64_t max; /* STR: bytes; NUM, SIZE: value; 0: no limit */
	const char *const *words; /* ENUM */
	const char *def; /* options: default, as text */
	const char *doc;
};

/*
 * Read text into row's member. STR borrows text. Errors (MT_FORMAT, MT_LIMIT)
 * are "<name>: <what is wrong>".
 */
MT_MUST_CHECK enum mt_rc mt_field_read(const struct mt_field *f,
    struct mt_str text, void *row, struct mt_err *err);
/* Append the member's text; nothing when it is absent and not MT_REQ. */
void mt_field_write(
    const struct mt_field *f, const void *row, struct mt_buf *out);
bool mt_field_absent(const struct mt_field *f, const void *row);
/* Append the SQL column type, such as "VARCHAR(320)". */
void mt_field_sql(const struct mt_field *f, struct mt_buf *out);
/* The word for a type, as documents print it. */
const char *mt_type_name(enum mt_type type);
/* A member by its type; the caller has checked the type. */
const void *mt_field_at(const struct mt_field *f, const void *row);

#endif
