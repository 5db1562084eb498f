/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail addresses, as far as policy needs them. An envelope address may stand
 * in <>; it is split at the last @ outside quotes. A lookup key is lower-case
 * in ASCII letters only (a local part's case has a meaning by RFC 5321, but no
 * admin means two policies by it), without a dot that ends the domain.
 * Everything is bounded by MT_MAX_ADDRESS; what is longer is no address.
 */
#ifndef MT_MAIL_ADDRESS_H
#define MT_MAIL_ADDRESS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct mt_address {
	struct mt_str local; /* as written, with quotes */
	struct mt_str domain; /* absent when there is none ("postmaster") */
};

/* Without white space and one pair of <> around it. "<>" gives empty. */
struct mt_str mt_address_strip(struct mt_str s);
/* False when empty (the null sender), too long, or local or domain is empty. */
bool mt_address_split(struct mt_str s, struct mt_address *ret_address);
/* Append the lookup key local@domain; false and nothing when not an address. */
bool mt_address_key(struct mt_str s, struct mt_buf *out);
/* Append a domain in lower case, without its last dot. */
void mt_domain_key(struct mt_str domain, struct mt_buf *out);
/*
 * Append the first mailbox (address) of an RFC 5322 From, Sender or Reply-To
 * value, raw or unfolded: display names, comments, quoted strings, groups and
 * source routes are passed over. False when there is none.
 */
bool mt_address_from(struct mt_str value, struct mt_buf *out);
/* Append the lower-case domain of that mailbox. */
bool mt_address_from_domain(struct mt_str value, struct mt_buf *out);

#endif
