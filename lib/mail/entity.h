/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an entity's header says about its body: the Content-* fields, read
 * once, each with a verdict whether it can be relied on. Entities are small
 * structs on the stack; they own nothing.
 */
#ifndef MT_MAIL_ENTITY_H
#define MT_MAIL_ENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/str.h"
#include "base/words.h"

#define MT_ENTITY_ID 256 /* bytes of a Content-ID we compare */

enum mt_entity_kind {
	MT_ENTITY_TEXT, /* text/plain, or nothing said */
	MT_ENTITY_HTML,
	MT_ENTITY_OTHER, /* any other leaf */
	MT_ENTITY_MIXED,
	MT_ENTITY_ALTERNATIVE,
	MT_ENTITY_RELATED,
	MT_ENTITY_MULTI, /* any other multipart */
	MT_ENTITY_SIGNED, /* multipart/signed, S/MIME signed data */
	MT_ENTITY_ENCRYPTED,
	MT_ENTITY_REPORT,
	MT_ENTITY_MESSAGE, /* message/rfc822, message/global */
	MT_ENTITY_PARTIAL /* message/partial, message/external-body */
};

struct mt_entity {
	enum mt_entity_kind kind;
	bool multi; /* has parts; boundary is set unless bad */
	bool bad; /* Content-Type is damaged or ambiguous */
	bool attached; /* Content-Disposition is something else than inline */
	bool named; /* has a file name */
	enum mt_encoding encoding; /* absent: unknown or ambiguous */
	char charset[MT_MAX_CHARSET]; /* "": unusable */
	char boundary[MT_MAX_BOUNDARY + 1];
	char start[MT_ENTITY_ID]; /* of related: its root's Content-ID, or "" */
	struct mt_str id; /* Content-ID, borrowed, trimmed */
};

void mt_entity_read(struct mt_str block, struct mt_entity *ret_e);
#endif
